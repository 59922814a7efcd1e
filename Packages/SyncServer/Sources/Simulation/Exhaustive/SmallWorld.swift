// SPDX-License-Identifier: MIT

import SyncClient
import SyncProtocol

/// A world so small that everything that can happen in it can be tried.
///
/// Every device begins empty, and its app makes any edits at any time, up to the numbers here.
/// Exchanges fail as often as they like: a request or its answer is lost, and the device tries
/// again or gives the cycle up. Names of devices mean nothing, so the first edits of devices come
/// in the order of their names.
public struct SmallWorld: Sendable, Hashable {
    /// How conflicts are decided.
    public enum Resolver: String, Sendable, CaseIterable {
        case serverWins, clientWins, merge
    }

    /// How many devices there are, 1 to 3.
    public var devices: Int
    /// How many transactions the apps commit altogether.
    public var transactions: Int
    /// How many transactions one app commits at most.
    public var transactionsPerDevice = 3
    /// How many entities there are, 1 or 2.
    public var entities: Int
    /// How all devices decide conflicts.
    public var resolver: Resolver
    /// How many pushes may be on their way of which nobody awaits the answer any more, 0 to 2: they
    /// were delivered twice, or are late.
    public var strayPushesMax = 1
    /// Whether apps are killed and opened again at any time, also between the writes of a
    /// settlement to the store and to the queue.
    public var hasRestarts = false
    /// Whether pages of waiting pulls come at any later time.
    public var hasLatePages = false
    /// How many operations a page holds.
    public var pullLimit: UInt64 = 2

    /// Creates a world.
    public init(devices: Int, transactions: Int, entities: Int, resolver: Resolver) {
        precondition((1...3).contains(devices), "A small world has 1 to 3 devices.")
        precondition((1...2).contains(entities), "A small world has 1 or 2 entities.")
        precondition((1...6).contains(transactions), "A small world has 1 to 6 transactions.")
        self.devices = devices
        self.transactions = transactions
        self.entities = entities
        self.resolver = resolver
    }
}

extension SmallWorld {
    /// The worlds whose numbers are published, each with every resolver: a few minutes in a release
    /// build, and up to 3 GB of memory.
    public static let published: [SmallWorld] = Resolver.allCases.flatMap { resolver in
        var worlds = [
            SmallWorld(devices: 2, transactions: 3, entities: 1, resolver: resolver),
            SmallWorld(devices: 2, transactions: 2, entities: 2, resolver: resolver),
            SmallWorld(devices: 3, transactions: 2, entities: 2, resolver: resolver),
            SmallWorld(devices: 2, transactions: 3, entities: 2, resolver: resolver),
            SmallWorld(devices: 3, transactions: 3, entities: 1, resolver: resolver),
            SmallWorld(devices: 2, transactions: 4, entities: 1, resolver: resolver),
        ]
        worlds[0].strayPushesMax = 2
        (worlds[1].hasRestarts, worlds[1].hasLatePages) = (true, true)
        return worlds
    }
}

extension SmallWorld {
    /// Worlds that take seconds, in which planted bugs are hunted.
    public static let quick: [SmallWorld] = {
        var worlds: [SmallWorld] = []
        for resolver in Resolver.allCases {
            worlds.append(
                SmallWorld(devices: 2, transactions: 2, entities: 1, resolver: resolver))
        }
        for resolver in Resolver.allCases {
            var world = SmallWorld(devices: 2, transactions: 2, entities: 1, resolver: resolver)
            (world.hasRestarts, world.hasLatePages) = (true, true)
            worlds.append(world)
        }
        for resolver in Resolver.allCases {
            var world = SmallWorld(devices: 2, transactions: 2, entities: 2, resolver: resolver)
            world.strayPushesMax = 0
            worlds.append(world)
            worlds.append(
                SmallWorld(devices: 2, transactions: 3, entities: 1, resolver: resolver))
        }
        return worlds
    }()
}

extension SmallWorld: CustomStringConvertible {
    /// The world in a line.
    public var description: String {
        "\(devices) devices, \(transactions) transactions, \(entities) entities, "
            + "\(resolver.rawValue), \(strayPushesMax) stray pushes"
            + (hasRestarts ? ", restarts" : "")
            + (hasLatePages ? ", late pages" : "")
    }
}

// What apps may do in it.
extension SmallWorld {
    /// One write of an app's transaction.
    struct Write {
        var entity: Int
        var isDelete = false
    }

    /// The transactions that an app chooses from.
    var edits: [[Write]] {
        let single: [[Write]] = [[Write(entity: 0)], [Write(entity: 0, isDelete: true)]]
        guard entities > 1 else { return single }
        return single + [
            [Write(entity: 1)], [Write(entity: 1, isDelete: true)],
            [Write(entity: 0), Write(entity: 1)],
            [Write(entity: 0, isDelete: true), Write(entity: 1)],
        ]
    }

    static let databaseID: DatabaseID = "db"
    static let logID: LogID = {
        guard let logID = LogID([UInt8](repeating: 7, count: 16)) else {
            preconditionFailure("Sixteen bytes are a log's identity.")
        }
        return logID
    }()

    static func key(_ entity: Int) -> EntityKey { EntityKey("notes", entity == 0 ? "a" : "b") }

    static func deviceID(_ device: Int) -> DeviceID { DeviceID("d\(device)") }

    /// The number of an edit: another one for each device, transaction and entity.
    static func token(device: Int, edit: Int, entity: Int) -> UInt64 {
        UInt64((device * 4 + edit) * 2 + entity)
    }

    var conflictResolver: any ConflictResolver {
        switch resolver {
        case .serverWins: .serverWins
        case .clientWins: .clientWins
        case .merge: .custom { .merge(EntityContent.merge($0.local, $0.remote)) }
        }
    }
}

/// A set of edits' numbers, each below 64.
struct EditSet: OptionSet, Hashable {
    var rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The edits that an entity's bytes contain.
    init(_ content: [UInt8]?) {
        rawValue = EntityContent.tokens(content).reduce(0) { $0 | 1 << $1 }
    }

    /// The edits' numbers.
    var tokens: [Int] { (0..<64).filter { rawValue >> $0 & 1 == 1 } }
}
