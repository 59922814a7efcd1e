// SPDX-License-Identifier: MIT

/// A connection and what is asked on it.
typealias Client = (connection: Connection, script: any Script)

/// What a pull reads.
enum PullKind: String, CaseIterable {
    case all = "pull-all"
    /// One collection of ten.
    case filtered = "pull-filtered"
    /// The same without an index that helps, for what has one.
    case scanned = "pull-scanned"
}

/// A server that is measured.
protocol System: AnyObject {
    var name: String { get }
    /// What is different from a plain run, for the report.
    var remark: String { get }
    var process: ServerProcess? { get }

    /// Makes what the server needs on disk; what it had is forgotten.
    ///
    /// - Parameter isDurable: Whether what it acknowledges must be on disk, if that can be chosen.
    func install(isDurable: Bool) throws
    /// Starts the server on what is on disk, and waits until it serves the data.
    func start() throws
    func stop(_ signal: CInt)
    /// Clients that push into a new, empty place named `place`.
    func pushers(_ shape: PushShape, place: String) throws -> [Client]
    /// Frees what a push has left in the server.
    func forget(place: String) throws
    /// A client that pulls all that was pushed to `place`, a thousand operations a page; `nil` if
    /// the system cannot.
    func puller(_ kind: PullKind, place: String) throws -> Client?
}

extension System {
    var remark: String { "" }

    func forget(place: String) throws {}

    /// Makes all of a shape's requests, once for each client.
    func prepared(
        _ shape: PushShape, _ makeConnection: () throws -> Connection,
        _ append: (_ client: Int, _ numbers: Range<Int>, inout [UInt8]) -> Void,
        check: @escaping (UnsafeRawBufferPointer, any Framing, Int) throws -> Void = { _, _, _ in }
    ) throws -> [Client] {
        try (0..<shape.clients).map { client in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(shape.batches * (shape.batch * 300 + 200))
            var ends: [Int] = []
            for batch in 0..<shape.batches {
                let first = batch * shape.batch + 1
                append(client, first..<first + shape.batch, &bytes)
                ends.append(bytes.count)
            }
            let script = PreparedScript(
                bytes, ends: ends, operations: shape.batch, check: check)
            return (try makeConnection(), script)
        }
    }
}

/// Asks for page after page, each from where the one before ended.
final class PullScript: Script {
    private var request: [UInt8]?
    private var bytes: UnsafeMutableRawBufferPointer?
    /// Reads an answer: how many operations it holds, and the next request, if there is more.
    private let read: (UnsafeRawBufferPointer, any Framing) throws -> (Int, [UInt8]?)

    init(
        first: [UInt8],
        read: @escaping (UnsafeRawBufferPointer, any Framing) throws -> (Int, [UInt8]?)
    ) {
        request = first
        self.read = read
    }

    deinit { bytes?.deallocate() }

    func next() -> UnsafeRawBufferPointer? {
        bytes?.deallocate()
        bytes = nil
        guard let request else { return nil }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
        copy.copyBytes(from: request)
        bytes = copy
        return UnsafeRawBufferPointer(copy)
    }

    func take(_ answer: UnsafeRawBufferPointer, _ framing: any Framing) throws -> Int {
        let (count, next) = try read(answer, framing)
        request = next
        return count
    }
}
