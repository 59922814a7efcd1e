// SPDX-License-Identifier: MIT

/// One thing that a scenario may have: a kind of fault, a tight limit or a kind of edit. A failing
/// scenario is shrunk by taking them away one at a time.
public enum Condition: String, CaseIterable, Sendable {
    // The network.
    /// Connections break while a request or an answer is on its way.
    case cuts
    /// An answer is lost after the server has done what was asked.
    case lostAnswers
    /// Latencies vary from nothing to seconds, so that what was sent later arrives earlier.
    case jitter
    /// Bytes trickle in small pieces.
    case trickle
    /// A middlebox sends a request again later, on a connection of its own.
    case duplicates
    /// A device is cut off for a while, in both directions: what would arrive then is lost, and
    /// nobody is told.
    case partitions
    /// The same in one direction.
    case oneWayPartitions
    /// The bytes of a device take time in proportion to their number for a while.
    case slowLinks
    /// One side ends its sending and the other goes on.
    case halfCloses

    // Machines.
    /// The server loses power at some call to its disk.
    case serverCrashes
    /// The server is stopped and started again, in the middle of whatever goes on.
    case serverRestarts
    /// A device loses power at some call to its disk.
    case deviceCrashes
    /// An app is closed and opened again.
    case deviceRestarts
    /// Devices are offline for hours, and know it.
    case longOffline

    // Disks.
    /// A call to the server's disk fails: a read, a write, a sync, anything.
    case serverDiskErrors
    /// A call to a device's disk fails.
    case deviceDiskErrors
    /// The server's disk is full for a while.
    case serverDiskFull
    /// A device's disk is full for a while.
    case deviceDiskFull
    /// A bit of a file turns over while the machine is off.
    case bitFlips

    // History.
    /// The server's files are put back from an older copy, under a new logId.
    case serverRestores
    /// A device's files are put back from an older copy.
    case deviceRestores
    /// A device's files are copied to another device.
    case clones

    /// A device may not push, pull or shake hands for a while: somebody before the server says so.
    case refusals

    // Clocks.
    /// Devices' clocks are wrong, jump and stand still.
    case clockSkew

    // Limits.
    /// Pages of one or two operations.
    case smallPages
    /// Pushes and transactions of one to three operations.
    case smallPushes
    /// Small segments on the server and small logs on devices, so that files roll all the time.
    case smallFiles

    /// The server drops what is superseded and old tombstones after moments, and does not wait for
    /// devices that are silent; those pull everything again.
    case compaction

    // Edits.
    /// Several entities in one transaction.
    case transactions
    /// Entities are deleted and made again.
    case deletes
    /// Most edits are of the same entity.
    case hotEntity
    /// Some entities are larger than the server takes, and some as large as it takes.
    case largeEntities
    /// Somebody else asks the server: odd pages, cursors that are not there, edits made on what is
    /// not current, with and without the newer keys of the protocol.
    case strangers
    /// Devices that follow the server all the time, with waiting pulls.
    case following
    /// The server decides conflicts, by a policy for each collection.
    case policies
}
