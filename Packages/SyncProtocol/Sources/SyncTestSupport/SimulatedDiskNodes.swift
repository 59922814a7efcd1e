// SPDX-License-Identifier: MIT

/// What stands behind a name on a simulated disk.
enum SimulatedDiskNode: Sendable {
    case file(SimulatedDiskFileNode)
    case directory(SimulatedDiskDirectoryNode)

    /// The bytes that all files in it take, as a live read sees them.
    var liveBytes: Int {
        switch self {
        case .file(let file): file.live.size
        case .directory(let directory): directory.live.values.reduce(0) { $0 + $1.liveBytes }
        }
    }

    var identity: ObjectIdentifier {
        switch self {
        case .file(let file): ObjectIdentifier(file)
        case .directory(let directory): ObjectIdentifier(directory)
        }
    }

    func crash(using generator: inout some RandomNumberGenerator) {
        switch self {
        case .file(let file): file.crash(using: &generator)
        case .directory(let directory): directory.crash(using: &generator)
        }
    }
}

/// A file: what the platter holds, what a live read sees, and the changes between the two.
///
/// Unchecked because it is mutable; every access happens under `SimulatedDisk`'s lock, as handles
/// keep their node to themselves and reach into it only there.
final class SimulatedDiskFileNode: @unchecked Sendable {
    private(set) var durable = SimulatedDiskPages()
    private(set) var live = SimulatedDiskPages()
    private var pending: [Change] = []
    /// Pages that a failed sync has left behind: the system takes them for written, so no later
    /// sync writes them, and whether they are on the platter nobody knows until a crash shows it.
    private var doubtfulPages: Set<Int> = []
    private var doubtfulSize: Int?

    private enum Change {
        case write([UInt8], at: Int)
        case resize(from: Int, to: Int)
    }

    init() {}

    /// A file that is durable with this content.
    init(durable content: SimulatedDiskPages) {
        durable = content
        live = content
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        if bytes.isEmpty { return }
        live.write(bytes, at: offset)
        pending.append(.write([UInt8](bytes), at: offset))
    }

    func resize(to size: Int) {
        pending.append(.resize(from: live.size, to: size))
        live.resize(to: size)
    }

    func flip(bit: Int, ofByte byte: Int) {
        live.flip(bit: bit, ofByte: byte)
        durable.flip(bit: bit, ofByte: byte)
    }

    func sync() {
        durable.resize(to: live.size)
        for page in pendingPages {
            durable.copyPage(page, from: live)
            doubtfulPages.remove(page)
        }
        pending = []
        doubtfulSize = nil
    }

    func failSync() {
        doubtfulPages.formUnion(pendingPages)
        doubtfulSize = live.size
        pending = []
    }

    /// Keeps of what was not synced whatever the generator says, in the order it was written.
    func crash(using generator: inout some RandomNumberGenerator) {
        if let doubtfulSize, Bool.random(using: &generator) { durable.resize(to: doubtfulSize) }
        for page in doubtfulPages.sorted() where Bool.random(using: &generator) {
            durable.copyPage(page, from: live)
        }
        // One crash in four keeps everything and one nothing; mixtures alone would hardly ever
        // show these two where many writes wait.
        let mood = Int.random(in: 0..<4, using: &generator)
        for change in pending where mood != 0 {
            switch change {
            case .write(let bytes, let offset):
                let fate = mood == 1 ? .whole : Fate.allCases.randomElement(using: &generator)
                keep(bytes, at: offset, fate ?? .dropped, using: &generator)
            case .resize(_, let size):
                if mood == 1 || Bool.random(using: &generator) { durable.resize(to: size) }
            }
        }
        live = durable
        pending = []
        doubtfulPages = []
        doubtfulSize = nil
    }

    private enum Fate: CaseIterable {
        case whole, dropped, beginningOnly, endOnly
        /// The file grew, and the bytes never came.
        case sizeOnly
    }

    private func keep(
        _ bytes: [UInt8], at offset: Int, _ fate: Fate,
        using generator: inout some RandomNumberGenerator
    ) {
        let cut = Int.random(in: 0...bytes.count, using: &generator)
        bytes.withUnsafeBytes { buffer in
            switch fate {
            case .whole:
                durable.write(buffer, at: offset)
            case .dropped:
                break
            case .beginningOnly:
                durable.write(UnsafeRawBufferPointer(rebasing: buffer[..<cut]), at: offset)
            case .endOnly:
                durable.write(UnsafeRawBufferPointer(rebasing: buffer[cut...]), at: offset + cut)
            case .sizeOnly:
                durable.resize(to: max(durable.size, offset + cut))
            }
        }
    }

    private var pendingPages: Set<Int> {
        var pages: Set<Int> = []
        for change in pending {
            switch change {
            case .write(let bytes, let offset):
                pages.formUnion(SimulatedDiskPages.pages(of: offset..<offset + bytes.count))
            case .resize(let before, let after):
                let end = max(live.size, durable.size, before, after)
                pages.formUnion(SimulatedDiskPages.pages(of: min(before, after)..<end))
            }
        }
        return pages
    }
}

/// A directory: the names on the platter, the names that a live look-up sees, and the changes
/// between the two, which reach the platter in their order.
///
/// Unchecked for the reason given at `SimulatedDiskFileNode`.
final class SimulatedDiskDirectoryNode: @unchecked Sendable {
    /// Names are bytes: two that differ only in their normal form are two.
    typealias Name = [UInt8]

    private(set) var durable: [Name: SimulatedDiskNode] = [:]
    private(set) var live: [Name: SimulatedDiskNode] = [:]
    private var pending: [Change] = []

    private enum Change {
        case link(Name, SimulatedDiskNode)
        case unlink(Name)
        case rename(Name, to: Name)

        func apply(to names: inout [Name: SimulatedDiskNode]) {
            switch self {
            case .link(let name, let node): names[name] = node
            case .unlink(let name): names[name] = nil
            case .rename(let source, let destination):
                names[destination] = names.removeValue(forKey: source)
            }
        }
    }

    init() {}

    /// A directory that is durable with these names.
    init(durable names: [Name: SimulatedDiskNode]) {
        durable = names
        live = names
    }

    func link(_ name: Name, _ node: SimulatedDiskNode) { change(.link(name, node)) }
    func unlink(_ name: Name) { change(.unlink(name)) }
    func rename(_ source: Name, to destination: Name) { change(.rename(source, to: destination)) }

    private func change(_ change: Change) {
        change.apply(to: &live)
        pending.append(change)
    }

    func sync() {
        for change in pending { change.apply(to: &durable) }
        pending = []
    }

    /// Puts `node` under `name` on the platter at once.
    func restore(_ name: Name, _ node: SimulatedDiskNode?) {
        sync()
        durable[name] = node
        live[name] = node
    }

    func crash(using generator: inout some RandomNumberGenerator) {
        for change in pending.prefix(Int.random(in: 0...pending.count, using: &generator)) {
            change.apply(to: &durable)
        }
        pending = []
        live = durable
        let names = durable.keys.sorted { $0.lexicographicallyPrecedes($1) }
        for name in names { durable[name]?.crash(using: &generator) }
    }
}
