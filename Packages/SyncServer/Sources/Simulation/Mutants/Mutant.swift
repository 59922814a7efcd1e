// SPDX-License-Identifier: MIT

/// A small bug that can be planted in the code under test, to see that the simulator finds it.
///
/// The sources hold no trace of it: `MutantPlanter` copies them and writes each bug into the copy,
/// behind a test of one environment variable, so that one build holds all bugs and each run has at
/// most one.
public struct Mutant: Sendable {
    /// The name by which it is switched on: lower-case words and hyphens.
    public var name: String
    /// What is wrong then, in a sentence.
    public var breaks: String
    /// The places in the sources that are changed.
    var sites: [Site]

    /// A text in a source file, and what stands there in the copy.
    struct Site: Sendable {
        /// Target and path in it, such as `RecordLog/AtomicFile.swift`.
        var file: String
        /// Occurs exactly once in the file.
        var original: String
        var planted: String

        /// The file's path in the repository.
        var path: String {
            let target = String(file.prefix { $0 != "/" })
            let package =
                switch target {
                case "SyncClient": "SyncClient"
                case "SyncServer", "Simulation": "SyncServer"
                default: "SyncProtocol"
                }
            return "Packages/\(package)/Sources/\(file)"
        }
    }

    /// The environment variable that names the bug to switch on.
    public static let environmentVariable = "ENTITYSYNC_MUTANT"

    /// Whether this program was built from sources with planted bugs. The copy says `true` here.
    public static let areAllPlanted = false

    /// All bugs that can be planted.
    public static let all: [Mutant] =
        recordLog + serverFiles + serverPushes + serverPulls + policies + compaction + store
        + capture + queue + reconciliation + resyncs + follow + wire + retries

    /// Those that exploring small worlds is to find as well.
    static let namesInSmallWorlds: Set<String> = [
        "stale-base-accepted", "sending-not-noted", "edit-overwritten-by-page",
    ]
}

// How tables write them.
extension Mutant {
    /// Leaves statements out.
    static func skips(
        _ name: String, _ breaks: String, _ file: String, _ statements: String
    ) -> Mutant {
        rewrites(name, breaks, file, statements, as: "if !BUG {\n\(statements)\n}")
    }

    /// Writes a place anew; `BUG` in `planted` stands for the test whether the bug is on.
    static func rewrites(
        _ name: String, _ breaks: String, _ file: String, _ original: String, as planted: String
    ) -> Mutant {
        Mutant(name: name, breaks: breaks, sites: []).also(file, original, as: planted)
    }

    /// Whether exploring small worlds is to find it as well.
    var isInSmallWorlds: Bool { Self.namesInSmallWorlds.contains(name) }

    /// Changes one more place.
    func also(_ file: String, _ original: String, as planted: String) -> Mutant {
        var mutant = self
        mutant.sites.append(
            Site(
                file: file, original: original,
                planted: planted.replacing("BUG", with: "plantedBug(\"\(name)\")")))
        return mutant
    }
}
