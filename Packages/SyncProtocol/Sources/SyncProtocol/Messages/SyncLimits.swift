// SPDX-License-Identifier: MIT

public import CBOR

/// The limits that a server announces in its handshake and that a device keeps to.
public struct SyncLimits: WireValue, Hashable {
    /// Operations in a push of several transactions.
    public var maxPushOperations: UInt64
    /// Operations in a push that is one transaction alone.
    public var maxTransactionOperations: UInt64
    /// Operations in a page of a pull.
    public var maxPullOperations: UInt64
    /// Bytes of operations in a page of a pull.
    public var maxPageBytes: UInt64
    /// Bytes of a request's body, after inflating.
    public var maxBodyBytes: UInt64
    /// Bytes of one entity.
    public var maxEntityBytes: UInt64

    /// The defaults: a push or page of a thousand small entities fits many times over, and one
    /// request can never hold more than 16 MiB of a server's memory.
    public static let standard = SyncLimits(
        maxPushOperations: 1_000, maxTransactionOperations: 10_000, maxPullOperations: 10_000,
        maxPageBytes: 16 << 20, maxBodyBytes: 16 << 20, maxEntityBytes: 1 << 20)

    /// Creates limits.
    public init(
        maxPushOperations: UInt64, maxTransactionOperations: UInt64, maxPullOperations: UInt64,
        maxPageBytes: UInt64, maxBodyBytes: UInt64, maxEntityBytes: UInt64
    ) {
        self.maxPushOperations = maxPushOperations
        self.maxTransactionOperations = maxTransactionOperations
        self.maxPullOperations = maxPullOperations
        self.maxPageBytes = maxPageBytes
        self.maxBodyBytes = maxBodyBytes
        self.maxEntityBytes = maxEntityBytes
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 6)
        writer.field("maxPullOps", maxPullOperations)
        writer.field("maxPushOps", maxPushOperations)
        writer.field("maxBodyBytes", maxBodyBytes)
        writer.field("maxPageBytes", maxPageBytes)
        writer.field("maxEntityBytes", maxEntityBytes)
        writer.field("maxTransactionOps", maxTransactionOperations)
    }

    /// Reads limits; one that is missing has its default.
    public init(from reader: inout CBORReader) throws(CBORError) {
        var limits = SyncLimits.standard
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "maxPushOps": limits.maxPushOperations = try reader.readWireInteger()
            case "maxTransactionOps":
                limits.maxTransactionOperations = try reader.readWireInteger()
            case "maxPullOps": limits.maxPullOperations = try reader.readWireInteger()
            case "maxPageBytes": limits.maxPageBytes = try reader.readWireInteger()
            case "maxBodyBytes": limits.maxBodyBytes = try reader.readWireInteger()
            case "maxEntityBytes": limits.maxEntityBytes = try reader.readWireInteger()
            default: try reader.skip()
            }
        }
        self = limits
    }
}
