// SPDX-License-Identifier: MIT

public import SyncProtocol

/// What a sync engine is to do, and how often.
public struct SyncConfiguration: Sendable {
    /// The server's database that the store is a copy of.
    public var databaseID: DatabaseID
    /// This installation's name; `nil` has one made at random. It is taken the first time that the
    /// store is synced; a copy of the store finds another one by itself.
    public var deviceID: DeviceID?
    /// What the server is told about the device.
    public var clientInfo: ClientInfo
    /// At most so many operations in a page. A page is one transaction of the store.
    public var pullLimit: UInt64
    /// When failed requests are tried again.
    public var retryPolicy: RetryPolicy
    /// While the app writes: how often a started engine looks for new writes.
    public var pollInterval: Duration
    /// While nothing is written, the engine looks less and less often, down to this.
    public var idlePollInterval: Duration
    /// How long a started engine lets the server wait for something to come before it answers a
    /// pull. At most 30 s; zero asks at every `idlePullInterval` instead.
    public var waitForOthers: Duration
    /// Without waiting pulls: how often a started engine asks what others did.
    public var idlePullInterval: Duration
    /// Below so many bytes the queue's file is never written anew.
    @_spi(Simulation) public var queueCompactionBytesMin: UInt64 = 1 << 20

    /// How large an answer may be, in bytes: what the engine's transport takes.
    var answerBytesMax: UInt64 = 64 << 20

    /// Creates a configuration with the defaults.
    public init(
        databaseID: DatabaseID, deviceID: DeviceID? = nil,
        clientInfo: ClientInfo = ClientInfo(platform: "Swift", appVersion: "0")
    ) {
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.clientInfo = clientInfo
        pullLimit = 1_000
        retryPolicy = .standard
        pollInterval = .milliseconds(100)
        idlePollInterval = .seconds(1)
        waitForOthers = .seconds(25)
        idlePullInterval = .seconds(5)
    }

    /// The error of a configuration that cannot work, or `nil`.
    var fault: SyncError? {
        if !databaseID.isValid {
            return SyncError(.configuration, "A database's name must be \(DatabaseID.rule).")
        }
        if let deviceID, !deviceID.isValid {
            return SyncError(.configuration, "A device's name must be \(DeviceID.rule).")
        }
        return pullLimit > 0 ? nil : SyncError(.configuration, "pullLimit must be at least 1.")
    }
}
