// SPDX-License-Identifier: MIT

import SyncProtocol

/// One who is told of what a database gets, as soon as it is durable.
///
///     catchingUp ──told all there is──▶ live ──leaves too much unread──▶ behind
///         ▲                                                               │    │
///         └──────────────────────────has read all────────────────────────┘    └─▶ overflow
///
/// A subscriber that is live gets what a commit brought from memory, which all share. One that is
/// not gets what it lacks from the log, in pages, each when it has read the one before: nothing
/// is kept for it meanwhile.
final class LiveSubscription {
    /// What it is told in.
    enum Form {
        /// Events that name the operations.
        case events
        /// Messages that hold them, in pages of these limits.
        case operations(limit: Int, bytesMax: Int, snapshot: Cursor?)
    }

    /// How it stands.
    enum Phase: Equatable {
        /// It has been told all that is durable.
        case live
        /// It reads too slowly; so many bytes came for it since, and were not written.
        case behind(owedBytes: Int)
        /// What it lacks is read from the log.
        case catchingUp
        /// It is told nothing more.
        case ended
    }

    let databaseID: DatabaseID
    /// The device that subscribed, if it said so.
    let deviceID: DeviceID?
    let filter: PullFilter
    let form: Form
    /// The cursor up to which it has been told what passes its filter.
    var cursor: Cursor
    var phase: Phase
    /// Whether it has been told nothing so far.
    var isNew = true
    weak var receiver: (any LiveReceiver)?
    /// Its place in the list of its database.
    var place = -1
    /// Whether it is in the list of those that are to get a page.
    var isHungry = false

    init(
        _ databaseID: DatabaseID, _ deviceID: DeviceID?, _ filter: PullFilter, _ form: Form,
        after cursor: Cursor, isLive: Bool, receiver: any LiveReceiver
    ) {
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.filter = filter
        self.form = form
        self.cursor = cursor
        phase = isLive ? .live : .catchingUp
        self.receiver = receiver
    }
}

/// What takes a subscription's news to where they go.
protocol LiveReceiver: AnyObject {
    /// Bytes that were delivered and not read.
    var unsentCount: Int { get }
    /// Has `SyncService.resume` called for it once all is read.
    func waitForRoom()
    /// Takes events of an event stream.
    func deliver(_ events: [UInt8], to subscription: LiveSubscription)
    /// Takes the body of an `operations` message.
    func deliver(_ body: ByteChain, to subscription: LiveSubscription)
    /// The subscription has ended: the reader was too slow.
    func overflow(_ subscription: LiveSubscription)
    /// The subscription has ended: what it lacks cannot be read, or not any more.
    func fail(_ subscription: LiveSubscription, _ failure: ServiceFailure)
}

/// The subscriptions of a service.
struct LiveSubscriptions {
    /// Bytes that a live subscriber leaves unread before it is told nothing for a while: less than
    /// sockets buffer for a peer that reads.
    static let unsentBytesMax = 64 << 10

    private var byDatabase: [DatabaseID: [LiveSubscription]] = [:]
    private var hungry: [LiveSubscription] = []
    private var firstHungry = 0

    /// Whether anybody is to get a page.
    var hasHungry: Bool { firstHungry < hungry.count }

    /// How many there are.
    var count: Int { byDatabase.values.reduce(0) { $0 + $1.count } }

    /// Those of a database, in no order that means anything.
    func all(of databaseID: DatabaseID) -> [LiveSubscription] { byDatabase[databaseID] ?? [] }

    mutating func insert(_ subscription: LiveSubscription) {
        subscription.place = byDatabase[subscription.databaseID]?.count ?? 0
        byDatabase[subscription.databaseID, default: []].append(subscription)
        if subscription.phase == .catchingUp { feed(subscription) }
    }

    /// Ends a subscription. O(1).
    mutating func remove(_ subscription: LiveSubscription) {
        guard subscription.phase != .ended else { return }
        subscription.phase = .ended
        let databaseID = subscription.databaseID
        guard let last = byDatabase[databaseID]?.popLast() else { return }
        if last !== subscription {
            last.place = subscription.place
            byDatabase[databaseID]?[subscription.place] = last
        }
        if byDatabase[databaseID]?.isEmpty ?? false { byDatabase[databaseID] = nil }
    }

    /// Has a subscriber get a page from the log.
    mutating func feed(_ subscription: LiveSubscription) {
        guard subscription.phase != .ended, !subscription.isHungry else { return }
        subscription.phase = .catchingUp
        subscription.isHungry = true
        hungry.append(subscription)
    }

    /// Takes out the one that has waited longest for a page.
    mutating func popHungry() -> LiveSubscription? {
        guard hasHungry else { return nil }
        let next = hungry[firstHungry]
        next.isHungry = false
        firstHungry += 1
        if firstHungry == hungry.count || firstHungry > 1_024 {
            hungry.removeFirst(firstHungry)
            firstHungry = 0
        }
        return next
    }
}
