// SPDX-License-Identifier: MIT

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Copies the sources and writes all planted bugs into the copy.
public struct MutantPlanter {
    /// The repository's root.
    public var source: String

    /// Plants into copies of the repository at `source`.
    public init(source: String) { self.source = source }

    /// A bug that cannot be planted any more, or a file that cannot be copied.
    public struct PlantingError: Error, CustomStringConvertible {
        /// What is wrong, and what to do.
        public var description: String
    }

    /// The folders and files that a build needs, as far as they exist.
    private static let copied = ["Package.swift", "Packages", "examples", "TestVectors"]

    /// Copies the sources to `destination` and plants the bugs there. What is there already and
    /// stays the same is not touched, so that a build of it goes on from the last one.
    public func plant(in destination: String) throws {
        let planted = try plantedFiles()
        var kept: Set<String> = []
        for name in Self.copied {
            for path in files(under: name) {
                let bytes = try planted[path].map { Data($0.utf8) } ?? read(path)
                try write(bytes, to: destination + "/" + path)
                kept.insert(path)
            }
        }
        for (path, text) in planted where !kept.contains(path) {
            try write(Data(text.utf8), to: destination + "/" + path)
            kept.insert(path)
        }
        try removeOthers(than: kept, in: destination)
    }

    /// The files that planting changes or makes, with their new texts, by path in the repository.
    ///
    /// - Throws: `PlantingError` if a place is not there exactly once.
    public func plantedFiles() throws -> [String: String] {
        var texts: [String: String] = [:]
        var faults: [String] = []
        for mutant in Mutant.all {
            for site in mutant.sites {
                let original = String(decoding: try read(site.path), as: UTF8.self)
                let count = original.ranges(of: site.original).count
                var text = texts[site.path] ?? original
                guard count == 1, text.ranges(of: site.original).count == 1 else {
                    faults.append(
                        "\(mutant.name) has its place \(count) times in \(site.path):\n"
                            + site.original)
                    continue
                }
                text.replace(site.original, with: site.planted)
                texts[site.path] = text
            }
        }
        guard faults.isEmpty else {
            throw PlantingError(
                description: "Each place of a planted bug must be in the sources once. Adapt these "
                    + "in Simulation/Mutants:\n" + faults.joined(separator: "\n"))
        }
        for path in texts.keys {
            let target = path.split(separator: "/").prefix(4).joined(separator: "/")
            texts[target + "/PlantedBug.swift"] = Self.test
        }
        let table = "Packages/SyncServer/Sources/Simulation/Mutants/Mutant.swift"
        texts[table] = String(decoding: try read(table), as: UTF8.self).replacing(
            "areAllPlanted = false", with: "areAllPlanted = true")
        return texts
    }

    /// What each touched target gets: whether a bug is switched on.
    private static let test = """
        // SPDX-License-Identifier: MIT

        #if canImport(Glibc)
            import Glibc
        #elseif canImport(Darwin)
            import Darwin
        #endif

        // Asked anew each time, as a failure is compared with a run without the bug.
        @usableFromInline func plantedBug(_ name: StaticString) -> Bool {
            guard let switchedOn = getenv("\(Mutant.environmentVariable)") else { return false }
            return strcmp(switchedOn, UnsafeRawPointer(name.utf8Start)) == 0
        }

        """

    // MARK: Files

    private func read(_ path: String) throws -> Data {
        guard let bytes = FileManager.default.contents(atPath: source + "/" + path) else {
            throw PlantingError(
                description: "\(source)/\(path) cannot be read. Name the root of the repository.")
        }
        return bytes
    }

    /// The files at or under a path, without what builds leave.
    private func files(under path: String) -> [String] {
        let manager = FileManager.default
        guard manager.fileExists(atPath: source + "/" + path) else { return [] }
        guard let names = try? manager.contentsOfDirectory(atPath: source + "/" + path) else {
            return [path]
        }
        return names.sorted().filter { !$0.hasPrefix(".") }
            .flatMap { files(under: path + "/" + $0) }
    }

    private func write(_ bytes: Data, to path: String) throws {
        let manager = FileManager.default
        if manager.contents(atPath: path) == bytes { return }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        try manager.createDirectory(
            atPath: folder.joined(separator: "/"), withIntermediateDirectories: true)
        guard manager.createFile(atPath: path, contents: bytes) else {
            throw PlantingError(description: "\(path) cannot be written. See to the disk.")
        }
    }

    /// Removes what an earlier planting has left and the sources have no more.
    private func removeOthers(than kept: Set<String>, in destination: String) throws {
        let copy = MutantPlanter(source: destination)
        for name in Self.copied {
            for path in copy.files(under: name) where !kept.contains(path) {
                try FileManager.default.removeItem(atPath: destination + "/" + path)
            }
        }
    }
}
