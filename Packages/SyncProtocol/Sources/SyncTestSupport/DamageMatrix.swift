// SPDX-License-Identifier: MIT

/// Files at rest, damaged in every place: each bit flipped, each length cut to.
///
/// The law that it holds the code under test to: an open reports the damage, with the file, and
/// leaves every byte as it was; or shows exactly what the files held; or, where a test says that
/// the format can do no better, what an honest cut leaves. It never shows anything else, never ends
/// with another error, never goes on for ever, and never needs a second repair.
public struct DamageMatrix<Content: Equatable> {
    /// How many calls of the disk an open may take before it counts as endless.
    public var callsMax = 20_000
    /// Files that a report may name as well as the damaged one, as the damage shows there.
    public var witnesses: [String] = []

    private let directory: String
    private let tree: SimulatedDiskTree
    private let content: Content
    private let earlier: [Content]
    private let open: (SimulatedDisk) throws -> OpenedFiles<Content>

    /// Creates a matrix on the files that lie in a directory of `disk` now.
    ///
    /// - Parameters:
    ///   - content: What they hold.
    ///   - earlier: What an honest cut may leave.
    ///   - open: Opens the files; throws a `DamageReport` if they are damaged.
    public init(
        _ disk: SimulatedDisk, at directory: String, content: Content, earlier: [Content] = [],
        open: @escaping (SimulatedDisk) throws -> OpenedFiles<Content>
    ) {
        guard let tree = disk.copyTree(at: directory) else {
            preconditionFailure("There is no directory \(directory) to damage.")
        }
        self.directory = directory
        self.tree = tree
        self.content = content
        self.earlier = earlier
        self.open = open
    }

    /// Flips each bit of a file, one at a time.
    ///
    /// - Parameters:
    ///   - bits: The bits of each byte; all of them unless given.
    ///   - allowed: The ways in which damage in a byte may end.
    public func flipEveryBit(
        of path: String, bits: [Int] = Array(0..<8),
        allowing allowed: (_ byte: Int) -> Set<FaultOutcome>
    ) -> MatrixReport {
        var report = MatrixReport()
        for byte in 0..<length(of: path) {
            for bit in bits {
                let disk = makeDisk()
                disk.flipBit(path, byte: byte, bit: bit)
                judge(disk, path, damagedAt: byte, "byte \(byte), bit \(bit)", &report) {
                    allowed(byte)
                }
            }
        }
        return report
    }

    /// Cuts a file to each length that is shorter than its own, down to 0.
    ///
    /// - Parameter allowed: The ways in which a cut to a length may end.
    public func cutToEveryLength(
        of path: String, allowing allowed: (_ length: Int) -> Set<FaultOutcome>
    ) -> MatrixReport {
        var report = MatrixReport()
        for length in 0..<length(of: path) {
            let disk = makeDisk()
            disk.cutFile(path, to: length)
            judge(disk, path, damagedAt: length, "cut to \(length)", &report) { allowed(length) }
        }
        return report
    }

    /// Takes a file away.
    public func remove(_ path: String, allowing allowed: Set<FaultOutcome>) -> MatrixReport {
        var report = MatrixReport()
        let disk = makeDisk()
        disk.replaceTree(at: path, with: nil)
        judge(disk, path, damagedAt: .max, "removed", &report) { allowed }
        return report
    }

    private func makeDisk() -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.replaceTree(at: directory, with: tree)
        return disk
    }

    private func length(of path: String) -> Int {
        guard let bytes = makeDisk().bytes(at: path) else {
            preconditionFailure("There is no file \(path) to damage.")
        }
        return bytes.count
    }

    private func judge(
        _ disk: SimulatedDisk, _ path: String, damagedAt byte: Int, _ place: String,
        _ report: inout MatrixReport, allowed: () -> Set<FaultOutcome>
    ) {
        do throws(Lie) {
            let outcome = try outcome(disk, path, damagedAt: byte)
            guard allowed().contains(outcome) else { throw Lie("it ended \(outcome.rawValue)") }
            report.note(outcome)
        } catch {
            report.note(lie: "\(path), \(place): \(error.words)")
        }
    }

    private func outcome(
        _ disk: SimulatedDisk, _ path: String, damagedAt byte: Int
    ) throws(Lie) -> FaultOutcome {
        let before = disk.copyTree(at: directory)
        switch try attempt(disk) {
        case .failure(let refusal):
            let isWitness = witnesses.contains(refusal.path)
            guard path == refusal.path || path.hasPrefix(refusal.path + "/") || isWitness else {
                throw Lie("the report names \(refusal.path): \(refusal.message)")
            }
            if !isWitness, let offset = refusal.offset, offset > UInt64(byte) {
                throw Lie("the report names byte \(offset)")
            }
            guard disk.copyTree(at: directory) == before else {
                throw Lie("files were changed before damage was reported: \(refusal.message)")
            }
            guard case .failure(refusal) = try attempt(disk) else {
                throw Lie("the second open did not report the damage that the first one did")
            }
            return .refused
        case .success(let found):
            guard case .success(let again) = try attempt(disk) else {
                throw Lie("the second open reports damage where the first one repaired")
            }
            guard again.content == found.content, again.repairs == 0 else {
                throw Lie("the second open repairs \(again.repairs) or shows something else")
            }
            if found.content == content { return .harmless }
            guard earlier.contains(found.content) else { throw Lie("it shows \(found.content)") }
            return found.repairs > 0 ? .cut : .forgotten
        }
    }

    /// Opens and closes the files.
    private func attempt(
        _ disk: SimulatedDisk
    ) throws(Lie) -> Result<(content: Content, repairs: UInt64), DamageReport> {
        disk.halt(afterCalls: callsMax)
        defer { disk.killProcesses() }
        do {
            let opened = try open(disk)
            opened.close()
            return .success((opened.content, opened.repairs))
        } catch let report as DamageReport {
            return .failure(report)
        } catch {
            throw Lie("the open ended with another error: \(error)")
        }
    }
}

/// What the code under test did wrong.
struct Lie: Error {
    var words: String

    init(_ words: String) { self.words = words }
}

extension SimulatedDisk {
    /// Creates a disk that holds a durable copy of one directory, or one file, of another and
    /// nothing else.
    public convenience init(copyOf disk: SimulatedDisk, at path: String) {
        self.init()
        replaceTree(at: path, with: disk.copyTree(at: path))
    }

    /// Cuts a file, on the platter and in what a live read sees.
    ///
    /// - Precondition: There is such a file.
    public func cutFile(_ path: String, to length: Int) {
        guard let bytes = bytes(at: path) else {
            preconditionFailure("There is no file \(path) to cut.")
        }
        replaceTree(at: path, with: SimulatedDiskTree(file: Array(bytes.prefix(length))))
    }
}
