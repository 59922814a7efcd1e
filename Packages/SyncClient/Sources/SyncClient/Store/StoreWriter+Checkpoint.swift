// SPDX-License-Identifier: MIT

import RecordLog

/// Checkpoints: what the log has goes into a segment, and the log is emptied.
///
/// The order is the law: segment written and synced, directory synced, manifest replaced, log
/// truncated and synced, old segments removed. A crash before the manifest leaves a segment that
/// nobody names; a crash after it leaves commits in the log that the segments have too.
extension StoreWriter {
    private static var segmentBufferBytes: Int { 1 << 20 }

    /// Writes a checkpoint, unless the log is empty.
    mutating func checkpoint() throws(StoreError) {
        try checkWritable()
        guard logState.end > 0 else { return }
        let segmentCount = manifest.segments.count
        let isRewrite = segmentCount == 0 || segmentCount + 1 >= configuration.segmentCountMax
        let index = index.read { $0 }
        var changed = manifest
        changed.lastCheckpoint = lastSequence
        changed.nextSegmentNumber += 1
        let number = manifest.nextSegmentNumber
        // The number is spent even if the segment fails: its file may have stayed behind.
        manifest.nextSegmentNumber += 1
        let dropped = isRewrite ? droppableTombstones(index) : 0
        let segment = try writeSegment(number, index, isRewrite: isRewrite)
        if isRewrite { changed.segments = [] }
        if let segment { changed.segments.append(segment) }
        changed.tombstoneFloor = max(changed.tombstoneFloor, dropped)
        let replaced = isRewrite ? manifest.segments : []
        try replaceManifest(changed)
        if dropped > 0 { self.index.update { $0.dropTombstones(through: dropped) } }
        do throws(FileSystemError) {
            try log.truncate(to: 0)
            try log.sync()
        } catch {
            throw fail(error)
        }
        logState = StoreLog()
        automaticCheckpointAt = configuration.checkpointLogBytes
        for segment in replaced {
            // What stays behind is removed by the next open.
            do throws(FileSystemError) {
                try disk.removeFile(at: segmentsPath + "/" + segment.fileName)
            } catch {}
        }
    }

    /// Writes a checkpoint if the log has become long. The commit that made it long is durable
    /// and stands, whatever becomes of the checkpoint: a full disk puts it off, any other failure
    /// has made the store read-only, which the next commit says.
    ///
    /// Segments keep of each entity the newest write only. So while an engine follows, the log is
    /// left until every commit in it is in the queue as it was made; but it may not grow for ever.
    mutating func checkpointIfDue() {
        guard logState.fileEnd >= automaticCheckpointAt else { return }
        let isAwaited = captureFloor > 0 && lastAppSequence > captureFloor
        if isAwaited, logState.fileEnd < 4 * configuration.checkpointLogBytes { return }
        do throws(StoreError) {
            try checkpoint()
        } catch {
            automaticCheckpointAt = logState.fileEnd + max(1, configuration.checkpointLogBytes / 4)
        }
    }

    /// The highest sequence among the tombstones that nobody needs any more; 0 if there are none.
    private func droppableTombstones(_ index: EntityIndex) -> UInt64 {
        var highest: UInt64 = 0
        for collection in index.collections.values {
            collection.entries.forEach { _, entry in
                if entry.content == nil, entry.sequence <= captureFloor {
                    highest = max(highest, entry.sequence)
                }
                return true
            }
        }
        return highest
    }

    /// Writes what changed since the last checkpoint, or everything, and returns `nil` if that is
    /// nothing. A file that could not be finished is removed again.
    private mutating func writeSegment(
        _ number: UInt32, _ index: EntityIndex, isRewrite: Bool
    ) throws(StoreError) -> StoreManifest.Segment? {
        let path = segmentsPath + "/" + StoreManifest.segmentName(number)
        do throws(FileSystemError) {
            let file = try disk.openFile(at: path, .createNew)
            var segment = StoreManifest.Segment(number: number, byteCount: 0, recordCount: 0)
            var buffer = SegmentFormat.header
            for (name, id) in collectionIDs.sorted(by: { $0.value < $1.value }) {
                try index.collections[name]?.entries.forEach {
                    (key, entry) throws(FileSystemError) -> Bool in
                    let isWanted =
                        isRewrite
                        ? entry.content != nil || entry.sequence > captureFloor
                        : entry.sequence > manifest.lastCheckpoint
                    guard isWanted else { return true }
                    SegmentFormat.append(
                        SegmentRecord(
                            collectionID: id, entityID: key.text, sequence: entry.sequence,
                            isPulled: entry.isPulled, content: entry.content), to: &buffer)
                    segment.recordCount += 1
                    if buffer.count >= Self.segmentBufferBytes {
                        try file.write(buffer, at: segment.byteCount)
                        segment.byteCount += UInt64(buffer.count)
                        buffer.removeAll(keepingCapacity: true)
                    }
                    return true
                }
            }
            guard segment.recordCount > 0 else {
                try disk.removeFile(at: path)
                return nil
            }
            try file.write(buffer, at: segment.byteCount)
            segment.byteCount += UInt64(buffer.count)
            try file.sync()
            try disk.syncDirectory(at: segmentsPath)
            return segment
        } catch {
            do throws(FileSystemError) { try disk.removeFile(at: path) } catch {}
            let isHarmless = error.operation == .open || error.operation == .write
            guard error.isOutOfSpace, isHarmless else { throw fail(error) }
            throw StoreError(error)
        }
    }
}
