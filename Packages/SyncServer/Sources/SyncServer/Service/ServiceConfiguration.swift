// SPDX-License-Identifier: MIT

import SyncProtocol

/// The limits and intervals of a `SyncService`; the defaults are the protocol's, §10.
struct ServiceConfiguration: Sendable {
    /// The limits that the handshake announces.
    var limits = SyncLimits.standard
    /// Nesting of an entity.
    var maxEntityDepth = SyncOperation.entityMaxDepth
    /// What the server does about conflicts.
    var policies = ServerPolicies()
    /// Databases of the server.
    var maxDatabases = 10_000
    /// Devices in a database.
    var maxDevices = 100_000
    /// The longest wait of a pull (protocol, §6).
    var maxWaitMilliseconds: UInt64 = 30_000
    /// A segment of the log is not added to once it is this long: large enough that there are few
    /// files, small enough to be copied and rewritten one by one.
    var segmentBytesMax: UInt64 = 64 << 20
    /// Bytes of zeros that are kept in the log's file ahead of what is written: a sync of bytes in
    /// the midst of a file takes half as long as of bytes at its end.
    var zeroFillBytes = 0
    /// Bytes of operations in a frame of the log, if there is a choice.
    var frameBytesTarget = LogGroup.bytesTarget
    /// Bytes of staged operations at which a group is committed before its batch ends, so that one
    /// frame stays far below what a record log takes.
    var groupBytesMax = 8 << 20
    /// Bytes of the log that one pull looks at, if its filter lets little pass; then it is answered
    /// with what there is, and the device asks on. It bounds how long the others wait.
    var scanBytesMax = 64 << 20
    /// Bytes of server states and refused operations in the answer to one push; a push whose
    /// conflicts have more is refused with 413, and the device sends it in halves. The answer, with
    /// all that stands around them, stays below the 64 MiB that a client takes.
    var conflictBytesMax = 48 << 20
    /// Bytes that a subscriber may leave unread; then it is told that it is too slow, and ended.
    var maxUnsentBytes = 1 << 20
    /// Bytes of operations after which a checkpoint is written: what opening reads at most after a
    /// crash. Writing one takes as long as there are entities, in steps.
    var checkpointBytes = 64 << 20
    /// Bytes of operations from which on closing writes a checkpoint. Reading fewer costs less than
    /// writing one.
    var checkpointAtCloseBytes = 1 << 20
    /// What is kept how long.
    var retention = RetentionRules()
    /// How often a database is looked over for segments to compact.
    var compactionIntervalNanoseconds: UInt64 = 600_000_000_000
    /// How long device cursors may wait to be written.
    var deviceFlushNanoseconds: UInt64 = 30_000_000_000
    /// How many databases are kept open from the start. All are checked; the others are opened
    /// again when they are asked for, so that a start needs few file descriptors.
    var openAtStartMax = 256
}

/// The clocks of a service, as parameters.
struct ServiceClock: Sendable {
    /// Milliseconds since 1970: for people, and for clock checks of devices.
    var wallMilliseconds: @Sendable () -> UInt64
    /// Nanoseconds that never go back: for waiting.
    var monotonicNanoseconds: @Sendable () -> UInt64
}
