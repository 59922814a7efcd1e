// SPDX-License-Identifier: MIT

public import SyncProtocol

/// An edit of this device that meets a revision which its author had not seen.
///
/// Contents are encoded entities, byte for byte; `nil` means that the entity does not exist there.
public struct EntityConflict: Sendable, Hashable {
    /// The entity.
    public var key: EntityKey
    /// The revision that both sides started from; `nil` if it is not known or did not exist.
    public var base: [UInt8]?
    /// What this device has.
    public var local: [UInt8]?
    /// What the server has.
    public var remote: [UInt8]?
    /// When the local edit was made.
    public var localTimestamp: HybridTimestamp?
    /// When the server's revision was made; `nil` if its author did not say.
    public var remoteTimestamp: HybridTimestamp?
    /// The device that made the local edit: this one.
    public var localDeviceID: DeviceID
    /// The device that made the server's revision; `nil` if an older server did not say.
    public var remoteDeviceID: DeviceID?

    /// Creates a conflict.
    public init(
        key: EntityKey, base: [UInt8]?, local: [UInt8]?, remote: [UInt8]?,
        localTimestamp: HybridTimestamp? = nil, remoteTimestamp: HybridTimestamp? = nil,
        localDeviceID: DeviceID, remoteDeviceID: DeviceID? = nil
    ) {
        self.key = key
        self.base = base
        self.local = local
        self.remote = remote
        self.localTimestamp = localTimestamp
        self.remoteTimestamp = remoteTimestamp
        self.localDeviceID = localDeviceID
        self.remoteDeviceID = remoteDeviceID
    }
}

/// What becomes of a conflict.
public enum ConflictResolution: Sendable, Hashable {
    /// The server's revision stands; the local edit is dropped and kept in the conflict log.
    case keepRemote
    /// The local edit stands, as one made on the server's revision.
    case keepLocal
    /// A new edit with this content, made on the server's revision; `nil` deletes the entity.
    case merge([UInt8]?)
}

/// Decides conflicts.
///
/// A resolver is called with the store locked and should be quick; the same conflict may come
/// again after a crash, so it should decide the same way.
public protocol ConflictResolver: Sendable {
    /// Decides one conflict.
    func resolve(_ conflict: EntityConflict) -> ConflictResolution
}

extension ConflictResolver where Self == FixedResolver {
    /// The server's revision stands.
    public static var serverWins: FixedResolver { FixedResolver(resolution: .keepRemote) }
    /// The local edit stands.
    public static var clientWins: FixedResolver { FixedResolver(resolution: .keepLocal) }
}

extension ConflictResolver where Self == LastWriteWinsResolver {
    /// The later stamp stands; equal stamps are decided by the device's name, so that all devices
    /// decide alike.
    public static var lastWriteWins: LastWriteWinsResolver { LastWriteWinsResolver() }
}

extension ConflictResolver where Self == CustomResolver {
    /// `resolve` decides.
    public static func custom(
        _ resolve: @escaping @Sendable (EntityConflict) -> ConflictResolution
    ) -> CustomResolver {
        CustomResolver(body: resolve)
    }
}

/// Decides every conflict the same way.
public struct FixedResolver: ConflictResolver {
    let resolution: ConflictResolution

    public func resolve(_ conflict: EntityConflict) -> ConflictResolution { resolution }
}

/// Lets the later of two hybrid stamps stand, then the device whose name is higher by bytes.
///
/// A revision without a stamp loses against one with a stamp, and against the local edit.
public struct LastWriteWinsResolver: ConflictResolver {
    public func resolve(_ conflict: EntityConflict) -> ConflictResolution {
        let local = (conflict.localTimestamp ?? 0, conflict.localDeviceID)
        let remote = (conflict.remoteTimestamp ?? 0, conflict.remoteDeviceID ?? DeviceID(""))
        return local > remote ? .keepLocal : .keepRemote
    }
}

/// Lets a closure decide.
public struct CustomResolver: ConflictResolver {
    let body: @Sendable (EntityConflict) -> ConflictResolution

    public func resolve(_ conflict: EntityConflict) -> ConflictResolution { body(conflict) }
}
