// SPDX-License-Identifier: MIT

public import RecordLog
import Synchronization

/// A reader of an `EntityStore`'s directory on the real disk.
public typealias EntityReader = DiskEntityReader<POSIXFileSystem>

/// Reads a store that another process writes, as of the last `refresh()`.
///
/// It takes no lock and changes nothing. It sees whole transactions only, in commit order, also
/// when the writer makes a checkpoint in between. A commit may be seen a moment before it is
/// durable. All entities are held in memory.
public final class DiskEntityReader<Disk: FileSystem>: Sendable {
    /// The store's directory.
    public let directory: String

    let index: SharedIndex
    private let disk: Disk
    private let hub = ChangeHub()
    private let poller: Mutex<WALPoller<Disk>>

    /// Opens the store in `directory` on `disk` for reading.
    ///
    /// - Throws: `StoreError`: `.damaged` with file and offset, or if there is no store;
    ///   `.unsupported` for a newer format or another kind of database.
    public init(directory: String, disk: Disk) throws(StoreError) {
        self.directory = directory
        self.disk = disk
        let (index, poller) = try Self.load(directory, on: disk)
        self.index = SharedIndex(index)
        self.poller = Mutex(poller)
    }

    deinit {
        hub.close()
    }

    /// The commit sequence of the last transaction that was read.
    public var lastSequence: UInt64 { poller.withLock { $0.lastSequence } }

    /// Takes in what has been committed since, and tells the streams of `changes(in:)`.
    ///
    /// - Returns: Whether there was anything.
    /// - Throws: `StoreError`; the reader stays as it was, and a later call tries again.
    @discardableResult
    public func refresh() throws(StoreError) -> Bool {
        let changes = try poller.withLock { (poller) throws(StoreError) in
            let before = poller.lastSequence
            let changes = try follow(&poller)
            return poller.lastSequence == before ? nil : changes
        }
        guard let changes else { return false }
        hub.publish(changes)
        return true
    }

    /// The encoded CBOR of an entity, or `nil` if there is none.
    public func rawEntity(in collection: String, id: String) -> [UInt8]? {
        index.content(in: collection, id: id)
    }

    /// The entities of a collection whose ids begin with `idPrefix`, in the order of the bytes of
    /// their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    public func rawEntities(
        in collection: String, idPrefix: String = "", after: String? = nil, limit: Int = .max
    ) -> [RawEntity] {
        index.page(EntityQuery(collection, idPrefix: idPrefix, after: after, limit: limit))
    }

    /// How many entities a collection has.
    public func count(in collection: String) -> Int {
        index.count(in: collection)
    }

    /// The names of the collections that have entities, in the order of their bytes.
    public var collections: [String] { index.collections }

    /// The changes of a collection that `refresh()` takes in from now on; see
    /// `DiskEntityStore.changes(in:)`.
    public func changes(in collection: String) -> AsyncStream<[EntityChange]> {
        hub.changes(in: collection)
    }
}

extension DiskEntityReader {
    /// Applies what the poller finds, each poll's transactions at once, and loads everything anew
    /// if a checkpoint has taken commits out of the log.
    private func follow(_ poller: inout WALPoller<Disk>) throws(StoreError) -> [EntityChange] {
        var following = poller
        var changes: [EntityChange] = []
        var transactions: [WALTransaction] = []
        repeat {
            let poll = try opening { () throws(WALError) in try following.poll() }
            transactions += poll.transactions
            if following.isBehindCheckpoint {
                let (index, newPoller) = try Self.load(directory, on: disk)
                changes = self.index.read { index.changes(since: $0) }
                self.index.update { $0 = index }
                poller = newPoller
                return changes
            }
            if !poll.hasMore { break }
        } while true
        index.update { index in
            for transaction in transactions {
                index.apply(
                    transaction.writes, sequence: transaction.sequence,
                    isPulled: transaction.isPulled)
            }
        }
        poller = following
        for transaction in transactions {
            changes += transaction.writes.map { EntityChange($0, isPulled: transaction.isPulled) }
        }
        return changes
    }

    /// Loads segments and log. A checkpoint in the middle of it is another reason to begin again.
    private static func load(
        _ directory: String, on disk: Disk
    ) throws(StoreError) -> (EntityIndex, WALPoller<Disk>) {
        var lastError: StoreError?
        for _ in 0..<8 {
            let catalog = try opening { () throws(WALError) in
                try DatabaseCatalog.read(directory, on: disk)
            }
            guard catalog.segments.allSatisfy({ $0.format == .store }) else {
                throw StoreError(
                    .unsupported, path: directory, message: "the directory holds no EntityStore")
            }
            do throws(WALError) {
                var index = try EntityIndex.loaded(from: catalog, on: disk)
                var poller = WALPoller(
                    directory: directory, disk: disk, after: catalog.lastCheckpoint,
                    options: WALPollerOptions(
                        includesEverything: true, syncsFirst: false, readsSegments: false))
                var poll = WALPoll.nothing
                repeat {
                    poll = try poller.poll()
                    for transaction in poll.transactions {
                        index.apply(
                            transaction.writes, sequence: transaction.sequence,
                            isPulled: transaction.isPulled)
                    }
                } while poll.hasMore
                if !poller.isBehindCheckpoint { return (index, poller) }
            } catch {
                lastError = StoreError(error)
            }
        }
        throw lastError
            ?? StoreError(
                .io, path: directory,
                message: "the writer replaces its files faster than they can be read; try again")
    }
}

extension DiskEntityReader where Disk == POSIXFileSystem {
    /// Opens the store in `directory` for reading.
    ///
    /// - Throws: As `init(directory:disk:)`.
    public convenience init(directory: String) throws(StoreError) {
        try self.init(directory: directory, disk: POSIXFileSystem())
    }
}

extension EntityIndex {
    /// What differs from `old`, as changes.
    func changes(since old: EntityIndex) -> [EntityChange] {
        var changes: [EntityChange] = []
        for (name, collection) in collections.sorted(by: { $0.key < $1.key }) {
            collection.entries.forEach { id, entry in
                let previous = old.entry(in: name, id: id)
                if previous?.sequence != entry.sequence, previous?.content != entry.content {
                    changes.append(
                        EntityChange(
                            collection: name.text, entityID: id.text,
                            isDelete: entry.content == nil, isPulled: entry.isPulled))
                }
                return true
            }
        }
        // A checkpoint may have dropped a tombstone that was never seen here.
        for (name, collection) in old.collections.sorted(by: { $0.key < $1.key }) {
            collection.entries.forEach { id, entry in
                if entry.content != nil, self.entry(in: name, id: id) == nil {
                    changes.append(
                        EntityChange(
                            collection: name.text, entityID: id.text, isDelete: true,
                            isPulled: false))
                }
                return true
            }
        }
        return changes
    }
}
