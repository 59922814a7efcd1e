// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a replica knows beside its files: all that ends with the process.
struct ReplicaMemory: Sendable, Hashable {
    /// The server's last handshake; `nil` until there was one, and when its facts may have changed.
    var handshake: HandshakeResponse?
    /// The state's `acceptedThrough` when the last handshake left: its answer may be older than
    /// what a waiting pull has brought meanwhile.
    var acceptedAtHandshake: OperationID = 0
    /// What the server does about conflicts, as it last announced.
    var policy = ConflictPolicy.detect
    /// Whether the last page said that there is no more.
    var isPullComplete = false
    /// Sent operations that the server is known not to have: they were refused while others that
    /// were sent had no answer yet, and wait until those have one.
    var postponed: Set<OperationID> = []
    /// The first operation of the last push, if no request had carried it before.
    var firstSent: OperationID?
    /// The first operation of the last push, if no earlier one may have brought it to the server.
    var firstDoubted: OperationID?
    /// How many pushes in a row were refused in whole, with nothing new.
    var standstill = 0
    /// Whether the server refused a stamp: operations are stamped anew at the next handshake.
    var restampsAtHandshake = false
    /// Those of `postponed` that the last push carried.
    var inFlight: Set<OperationID> = []
    /// How large the next push may be.
    var pushSize = PushSize()
    /// How far capture has looked in this process; the queue's checkpoint follows with the next
    /// operations.
    var capturedThrough: UInt64
    /// What happened since the counts were last taken.
    var counts = SyncReport.Counts()

    init(capturedThrough: UInt64) { self.capturedThrough = capturedThrough }
}
