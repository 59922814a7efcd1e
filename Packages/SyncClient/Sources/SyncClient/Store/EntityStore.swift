// SPDX-License-Identifier: MIT

public import RecordLog
import Synchronization

/// A store of entities in a directory of the real disk.
public typealias EntityStore = DiskEntityStore<POSIXFileSystem>

/// Entities by collection and id, in memory for reading and in a directory for keeping.
///
///     let store = try EntityStore(directory: "/var/lib/app/notes")
///     try store.put(Note(title: "Milk"), in: "notes", id: "n1")
///     let note = try store.get(Note.self, in: "notes", id: "n1")
///
/// An entity is one item of CBOR. Collection names have 1 to 128 bytes of UTF-8 and do not begin
/// with `_`; ids have 1 to 256. Names and ids are compared by bytes: canonically equivalent texts
/// are different ids.
///
/// Every write is a transaction in a write-ahead log, and returns when it is durable. Writes are
/// made one after another; reads never wait for the disk. One store at a time writes to a
/// directory; other processes read it with `DiskEntityReader`, or follow it with `WALPoller`.
///
/// All calls may come from any thread. They block, a write as long as the disk takes to sync.
/// The closure of `transaction` must not call the store's own writing functions: that traps.
///
/// All entities are held in memory.
public final class DiskEntityStore<Disk: FileSystem>: Sendable {
    /// The store's directory.
    public let directory: String
    /// What opening the store found and did.
    public let recovery: StoreRecovery
    /// How the store was told to write.
    public let configuration: StoreConfiguration

    let disk: Disk
    let index: SharedIndex
    let hub: ChangeHub
    private let writer: Mutex<StoreWriter<Disk>>

    /// Opens the store in `directory` on `disk`, creating the directory if only it is missing.
    ///
    /// Complexity: reads the whole store.
    /// - Throws: `StoreError`: `.locked` if another store writes there; `.damaged` with file and
    ///   offset if a file fails its checksum, and then nothing was changed; `.unsupported` for a
    ///   newer format or another kind of database.
    public init(
        directory: String, disk: Disk, configuration: StoreConfiguration = StoreConfiguration()
    ) throws(StoreError) {
        let hub = ChangeHub()
        var opening = StoreOpening(directory, on: disk)
        let writer = try opening.open(configuration, hub: hub)
        self.directory = directory
        self.disk = disk
        self.configuration = configuration
        self.hub = hub
        recovery = opening.recovery
        index = writer.index
        self.writer = Mutex(writer)
    }

    deinit {
        close()
    }

    /// Commits what `body` writes as one transaction, in as many collections as it likes.
    ///
    /// Reads through the transaction see its own writes; other readers see all of it or nothing.
    /// Other writers wait until it is over. If `body` throws, nothing has happened.
    ///
    /// - Throws: What `body` throws, and `StoreError` if the commit fails: then nothing is visible
    ///   in this store. After a failed sync it is unknown whether the next open finds it.
    public func transaction<Result>(
        _ body: (inout StoreTransaction) throws -> Result
    ) throws -> Result {
        try withWriter { writer in
            try writer.checkWritable()
            var transaction = StoreTransaction(
                index: index, directory: directory, configuration: configuration)
            let result = try body(&transaction)
            _ = try writer.commit(transaction.writes)
            return result
        }
    }

    /// The changes of a collection from now on: which entities were written, by commits of this
    /// store and by applied pulls.
    ///
    /// A listener that is slow gets several commits at once, with the last change of each entity.
    /// The stream ends when the store is closed. It is for one listener.
    public func changes(in collection: String) -> AsyncStream<[EntityChange]> {
        hub.changes(in: collection)
    }

    /// Writes what the log holds into a segment and empties the log.
    ///
    /// Commits do it by themselves when the log has become long
    /// (`StoreConfiguration.checkpointLogBytes`); before a long pause it makes the next open fast.
    ///
    /// - Throws: `StoreError`; after `.outOfSpace` everything is as before.
    public func checkpoint() throws(StoreError) {
        try withWriter { (writer) throws(StoreError) in try writer.checkpoint() }
    }

    /// Ends writing and gives up the lock. Reads go on working. Further calls do nothing.
    public func close() {
        withWriter { $0.close() }
    }

    /// Runs `body` with the writer, alone.
    func withWriter<Result, E: Error>(
        _ body: (inout StoreWriter<Disk>) throws(E) -> Result
    ) throws(E) -> Result {
        // The result leaves by a variable, as it need not be Sendable: it stays in this thread.
        var result: Result?
        try writer.withLock { (writer) throws(E) in result = try body(&writer) }
        guard let result else { preconditionFailure("a lock that did not throw ran its body") }
        return result
    }
}

extension DiskEntityStore where Disk == POSIXFileSystem {
    /// Opens the store in `directory`, creating the directory if only it is missing.
    ///
    /// - Throws: As `init(directory:disk:configuration:)`.
    public convenience init(
        directory: String, configuration: StoreConfiguration = StoreConfiguration()
    ) throws(StoreError) {
        try self.init(
            directory: directory, disk: POSIXFileSystem(), configuration: configuration)
    }
}
