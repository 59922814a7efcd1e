// SPDX-License-Identifier: MIT

import SyncProtocol

/// The client that a suite judges, behind an adapter. Each check has a process, a directory and a
/// server of its own.
public struct ClientUnderTest: Sendable {
    private let folder: String
    private let makeAdapter: @Sendable () -> Adapter
    private let lie: FaultyServer.Lie?

    /// Makes it; nothing is started.
    ///
    /// - Parameters:
    ///   - words: The adapter's program, found along `PATH`, and its arguments; not empty.
    ///   - timeout: How long an answer may take; a sync may try several times.
    ///   - folder: An absolute path, below which each check's client has a directory of its own.
    public init(_ words: [String], timeout: Duration, folder: String) {
        self.folder = folder
        makeAdapter = { Adapter(words, suite: "client", timeout: timeout) }
        lie = nil
    }

    /// A client that tells lies, for tests.
    init(
        _ words: [String], timeout: Duration, folder: String, lie: FaultyServer.Lie?,
        adapterLie: Adapter.Lie?
    ) {
        self.folder = folder
        makeAdapter = { Adapter(words, suite: "client", timeout: timeout, lie: adapterLie) }
        self.lie = lie
    }

    /// Starts the adapter once, to find out whether there is anything to judge.
    public func reach() throws(ConformanceUnreachable) {
        let adapter = makeAdapter()
        defer { adapter.stop() }
        try adapter.start()
    }

    /// Gives a check what it needs, and looks at the requests when it is done.
    func judge(_ body: (ClientWorld) throws -> Void) throws {
        let server = try FaultyServer(ServerModel(logID: ClientWorld.firstLog), lie: lie)
        let adapter = makeAdapter()
        defer {
            adapter.stop()
            server.stop()
        }
        var generator = SystemRandomNumberGenerator()
        let name = String(generator.next() as UInt64, radix: 16)
        let world = ClientWorld(adapter: adapter, server: server, folder: "\(folder)/\(name)")
        do {
            try world.open()
            try body(world)
            try WireLaws.check(server.seen)
        } catch let failure as ConformanceFailure {
            throw failure.adding("requests", world.requestsText)
        }
    }
}
