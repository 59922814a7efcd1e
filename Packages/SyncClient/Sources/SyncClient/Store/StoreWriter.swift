// SPDX-License-Identifier: MIT

import RecordLog

/// The one that writes a store's files. Used by one thread at a time, behind the store's lock.
///
/// The law of this file: *durable before visible.* A transaction is one write to the log and one
/// sync; only then does the index, and with it any reader of this process, learn of it.
struct StoreWriter<Disk: FileSystem>: Sendable {
    let directory: String
    let disk: Disk
    let configuration: StoreConfiguration
    let index: SharedIndex
    let hub: ChangeHub
    let lock: Disk.Lock
    let log: Disk.File
    var logState: StoreLog
    var manifest: StoreManifest
    var collectionIDs: [TextKey: UInt32]
    var nextTxid: UInt64
    var nextSequence: UInt64
    /// Up to here commits are in the engine's queue; 0 while no engine follows the store.
    /// Tombstones up to this sequence may be dropped.
    var captureFloor: UInt64 = 0
    /// The sequence of the app's last commit, as far as this process knows.
    var lastAppSequence: UInt64 = 0
    /// The log's length at which the next automatic checkpoint is tried.
    var automaticCheckpointAt: UInt64
    /// Why nothing is written any more.
    var failure: StoreError?
    var isClosed = false

    /// The commit sequence of the last transaction.
    var lastSequence: UInt64 { nextSequence - 1 }

    var manifestPath: String { directory + "/MANIFEST" }
    var segmentsPath: String { directory + "/SEGMENTS" }

    /// Commits `writes` as one transaction, and with them what `BeforeImage` asks for if there is
    /// no `mark`, that is, if they are the app's.
    ///
    /// Returns the sequence of the commit. Without writes and mark there is none to make, and the
    /// last one is returned.
    mutating func commit(
        _ writes: [WALWrite], mark: WALPulledMark? = nil
    ) throws(StoreError) -> UInt64 {
        try checkWritable()
        guard !writes.isEmpty || mark != nil else { return lastSequence }
        let writes = mark == nil ? withBeforeImages(writes) : writes
        try nameCollections(of: writes)
        let sequence = nextSequence
        try append(try encoded(writes, mark, sequence: sequence), sequence: sequence)
        index.update { $0.apply(writes, sequence: sequence, isPulled: mark != nil) }
        hub.publish(writes.map { EntityChange($0, isPulled: mark != nil) })
        if mark == nil { lastAppSequence = sequence }
        checkpointIfDue()
        return sequence
    }

    /// Ends writing. What was acknowledged is durable already; a mark that cannot be synced only
    /// leaves the log as a crash would.
    mutating func close() {
        guard !isClosed else { return }
        if failure == nil { syncMark() }
        isClosed = true
        lock.release()
        hub.close()
    }

    func checkWritable() throws(StoreError) {
        guard !isClosed else {
            throw StoreError(
                .closed, path: directory, message: "the store is closed; open it again to write")
        }
        guard let failure else { return }
        throw StoreError(
            .readOnly, path: directory,
            message: "the store is read-only since a write failed (\(failure)); close it, see to "
                + "the disk, and open it again",
            underlying: failure.underlying)
    }

    /// Makes the store read-only for good: after a failed sync nobody knows what the disk has.
    mutating func fail(_ error: FileSystemError) -> StoreError {
        let error = StoreError(error)
        failure = error
        return error
    }

    private func encoded(
        _ writes: [WALWrite], _ mark: WALPulledMark?, sequence: UInt64
    ) throws(StoreError) -> [UInt8] {
        let byteCount = writes.reduce(0) { $0 + ($1.content?.count ?? 0) + 64 }
        guard byteCount <= configuration.transactionBytesMax else {
            throw StoreError(
                .tooLarge, path: directory,
                message: "a transaction of about \(byteCount) bytes is over transactionBytesMax "
                    + "(\(configuration.transactionBytesMax)); commit in smaller ones")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount + 128)
        // If a crash keeps this write but not the mark before it, no hole is left between them.
        if logState.end > 0 { bytes += logState.mark }
        WALRecordCodec.append(.begin(txid: nextTxid), to: &bytes)
        for write in writes {
            guard let id = collectionIDs[TextKey(write.collection)] else {
                preconditionFailure("collections are named before their writes are encoded")
            }
            let record: WALRecord =
                if let content = write.content {
                    .put(
                        txid: nextTxid, collectionID: id, entityID: write.entityID,
                        content: content)
                } else {
                    .delete(txid: nextTxid, collectionID: id, entityID: write.entityID)
                }
            WALRecordCodec.append(record, to: &bytes)
        }
        if let mark { WALRecordCodec.append(.pulled(txid: nextTxid, mark), to: &bytes) }
        WALRecordCodec.append(.commit(txid: nextTxid, sequence: sequence), to: &bytes)
        return bytes
    }

    /// Gives the collections that have none an id, durably, before the log refers to it.
    private mutating func nameCollections(of writes: [WALWrite]) throws(StoreError) {
        var changed = manifest
        var ids = collectionIDs
        for write in writes where ids[TextKey(write.collection)] == nil {
            precondition(
                changed.nextCollectionID < StoreManifest.reservedCollectionIDs,
                "a store has room for 4,294,967,040 collections")
            ids[TextKey(write.collection)] = changed.nextCollectionID
            changed.names[changed.nextCollectionID] = write.collection
            changed.nextCollectionID += 1
        }
        guard changed.nextCollectionID != manifest.nextCollectionID else { return }
        try replaceManifest(changed)
        collectionIDs = ids
    }

    /// Replaces the manifest. A failure that may have left the new one in place is for good.
    mutating func replaceManifest(_ changed: StoreManifest) throws(StoreError) {
        do throws(FileSystemError) {
            try AtomicFile.replace(manifestPath, changed.encoded(), on: disk)
        } catch {
            guard error.isOutOfSpace, error.operation == .open || error.operation == .write else {
                throw fail(error)
            }
            throw StoreError(error)
        }
        manifest = changed
    }

    /// `writes`, followed by the base records that are to keep what these overwrite.
    private func withBeforeImages(_ writes: [WALWrite]) -> [WALWrite] {
        index.read { index in
            var result = writes
            var seen: Set<EntityPlace> = []
            for write in writes where write.collection.utf8.first != UInt8(ascii: "_") {
                let entity = EntityPlace(write.collection, write.entityID)
                guard seen.insert(entity).inserted else { continue }
                let base = BeforeImage.baseCollection(of: write.collection)
                guard let record = index.content(in: TextKey(base), id: entity.id),
                    let updated = BeforeImage.updated(
                        record, previous: index.content(in: entity.collection, id: entity.id))
                else { continue }
                result.append(
                    WALWrite(collection: base, entityID: write.entityID, content: updated))
            }
            return result
        }
    }
}

/// One entity of the whole store.
struct EntityPlace: Hashable, Sendable {
    var collection: TextKey
    var id: TextKey

    init(_ collection: String, _ id: String) {
        self.collection = TextKey(collection)
        self.id = TextKey(id)
    }
}
