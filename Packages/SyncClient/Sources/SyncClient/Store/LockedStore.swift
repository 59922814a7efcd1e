// SPDX-License-Identifier: MIT

import RecordLog

/// The store while nobody else writes to it: where the sync engine captures, settles and applies.
///
/// Every commit up to `lastSequence` is durable, so a poller that is polled in here takes in
/// exactly the app's commits up to now.
struct LockedStore<Disk: FileSystem>: ~Copyable {
    fileprivate(set) var writer: StoreWriter<Disk>

    /// The commit sequence of the last transaction.
    var lastSequence: UInt64 { writer.lastSequence }

    /// Notes that every commit up to `sequence` is durable in the engine's queue: the log need not
    /// keep it any longer, nor do checkpoints need to keep deletes up to there. Not kept on disk:
    /// before the first note after an open all deletes are kept.
    mutating func noteCaptured(through sequence: UInt64) {
        writer.captureFloor = sequence
        writer.checkpointIfDue()
    }

    /// Fails if a write has failed: then the log may show a commit that is not durable.
    func checkWritable() throws(StoreError) { try writer.checkWritable() }

    /// The encoded CBOR of an entity, internal collections included; `nil` if there is none.
    func rawEntity(in collection: String, id: String) -> [UInt8]? {
        writer.index.content(in: collection, id: id)
    }

    /// Entities in the order of the bytes of their ids, internal collections included.
    func rawEntities(
        in collection: String, idPrefix: String = "", after: String? = nil, limit: Int = .max
    ) -> [RawEntity] {
        writer.index.page(EntityQuery(collection, idPrefix: idPrefix, after: after, limit: limit))
    }

    /// Commits `writes` as one durable transaction and returns its sequence.
    ///
    /// With a mark, capture leaves the transaction out and no before-image is kept. Names and ids
    /// are taken as they are: 1 to 65,535 bytes. Without
    /// writes and without a mark nothing is written.
    mutating func commit(
        _ writes: [WALWrite], mark: WALPulledMark?
    ) throws(StoreError) -> UInt64 {
        try writer.commit(writes, mark: mark)
    }

    /// Writes what the log holds into a segment and empties the log.
    mutating func checkpoint() throws(StoreError) {
        try writer.checkpoint()
    }
}

extension DiskEntityStore {
    /// Runs `body` while no app transaction runs; those that come wait until it is over.
    ///
    /// What `body` has committed stays, also if it throws later.
    func withWriteLock<Result, E: Error>(
        _ body: (inout LockedStore<Disk>) throws(E) -> Result
    ) throws(E) -> Result {
        try withWriter { (writer) throws(E) in
            var locked = LockedStore(writer: writer)
            defer { writer = locked.writer }
            return try body(&locked)
        }
    }

    /// A poller of this store's log for capture inside `withWriteLock`.
    func makeCapturePoller(after sequence: UInt64) -> WALPoller<Disk> {
        WALPoller(
            directory: directory, disk: disk, after: sequence,
            options: WALPollerOptions(syncsFirst: false))
    }
}

extension LockedStore {
    /// The names of all collections that start with `prefix`, internal ones included, in the order
    /// of their bytes.
    func collections(prefix: String) -> [String] {
        writer.index.collections(prefix: prefix)
    }
}

extension SharedIndex {
    /// The names of all collections that start with `prefix` and have entities, in the order of
    /// their bytes.
    func collections(prefix: String) -> [String] {
        read { index in
            var names: [TextKey] = []
            for (name, collection) in index.collections
            where collection.liveCount > 0 && name.text.utf8.starts(with: prefix.utf8) {
                names.append(name)
            }
            return names.sorted().map(\.text)
        }
    }
}
