// SPDX-License-Identifier: MIT

import SyncProtocol

// Subscriptions: told of each commit after it is durable, and fed from the log until they have
// caught up.

extension SyncService {
    /// Bytes of the log that are looked at for subscribers in a turn, so that pushes and pulls do
    /// not wait for them.
    private static var scanBytesPerTurn: Int { 1 << 20 }
    /// Subscribers that get a page in a turn.
    private static var pagesPerTurn: Int { 64 }

    /// Begins to tell of the operations that pass a filter, as events.
    ///
    /// - Parameter cursor: What came behind it is told first; nil tells of what comes from now on.
    /// - Throws: The failure to answer at once; nothing is told then.
    func subscribe(
        toEventsOf databaseID: DatabaseID, _ filter: PullFilter, after cursor: Cursor?,
        receiver: any LiveReceiver
    ) throws(ServiceFailure) -> LiveSubscription {
        let database = try database(databaseID)
        try database.check(logID: nil, cursor)
        try database.checkNotCompacted(since: cursor ?? .start, snapshot: nil, of: nil)
        let start = cursor ?? database.head
        let subscription = LiveSubscription(
            databaseID, nil, filter, .events, after: start, isLive: start == database.head,
            receiver: receiver)
        live.insert(subscription)
        return subscription
    }

    /// Begins to hand on operations as pulls would return them: at first one message, which may be
    /// empty, then one whenever there is something.
    ///
    /// - Throws: The failure to answer at once; nothing is handed on then.
    func subscribe(
        _ request: PullRequest, for principal: Principal = .anyone, receiver: any LiveReceiver
    ) throws(ServiceFailure) -> LiveSubscription {
        let database = try checkedDatabase(of: request)
        let limits = configuration.limits
        let beginsAtStart = request.sinceCursor == .start
        let subscription = LiveSubscription(
            request.databaseID, request.deviceID,
            PullFilter(request, readable: principal.grants.collections.readable),
            .operations(
                limit: Int(min(request.limit, limits.maxPullOperations)),
                bytesMax: Int(min(request.maxBytes ?? .max, limits.maxPageBytes)),
                snapshot: request.snapshot ?? (beginsAtStart ? database.head : nil)),
            after: request.sinceCursor, isLive: false, receiver: receiver)
        live.insert(subscription)
        return subscription
    }

    /// The highest durable cursor of a database, and its log.
    func position(
        of databaseID: DatabaseID
    ) throws(ServiceFailure) -> (head: Cursor, logID: LogID) {
        let database = try database(databaseID)
        return (database.head, database.logID)
    }

    /// Ends a subscription; its receiver hears nothing more.
    func unsubscribe(_ subscription: LiveSubscription) { live.remove(subscription) }

    /// Notes that a subscriber has read all that it was sent.
    func resume(_ subscription: LiveSubscription) {
        switch subscription.phase {
        case .behind, .catchingUp: live.feed(subscription)
        case .live, .ended: break
        }
    }

    /// Tells the subscribers of a database what a commit made durable.
    func announce(_ database: Database<Disk>, _ group: LogGroupBuilder) {
        let subscriptions = live.all(of: database.identity.databaseID)
        if subscriptions.isEmpty { return }
        let news = LiveNews(group, logID: database.logID)
        for subscription in subscriptions { announce(news, to: subscription) }
    }

    private func announce(_ news: LiveNews, to subscription: LiveSubscription) {
        guard let receiver = subscription.receiver else { return live.remove(subscription) }
        let owed: Int
        switch subscription.phase {
        case .catchingUp, .ended: return
        case .live:
            if receiver.unsentCount <= LiveSubscriptions.unsentBytesMax {
                return tell(news, to: subscription, receiver)
            }
            receiver.waitForRoom()
            owed = receiver.unsentCount
        case .behind(let bytes): owed = bytes
        }
        let sum = owed + size(of: news, for: subscription)
        subscription.phase = .behind(owedBytes: sum)
        guard sum > configuration.maxUnsentBytes else { return }
        live.remove(subscription)
        receiver.overflow(subscription)
    }

    private func tell(
        _ news: LiveNews, to subscription: LiveSubscription, _ receiver: any LiveReceiver
    ) {
        guard subscription.cursor.next == news.cursors.lowerBound,
            let passing = news.passing(subscription.filter)
        else { return live.feed(subscription) }
        if passing != 0 {
            switch subscription.form {
            case .events: receiver.deliver(news.events(passing), to: subscription)
            case .operations(let limit, let bytesMax, _):
                let (body, count) = news.body(passing)
                if count > limit || body.count > bytesMax { return live.feed(subscription) }
                receiver.deliver(body, to: subscription)
            }
        }
        subscription.cursor = news.cursors.upperBound
    }

    private func size(of news: LiveNews, for subscription: LiveSubscription) -> Int {
        guard let passing = news.passing(subscription.filter) else { return 0 }
        if passing == 0 { return 0 }
        switch subscription.form {
        case .events: return news.events(passing).count
        case .operations: return news.body(passing).chain.count
        }
    }

    /// Gives subscribers that lack something a page each, up to a turn's share.
    ///
    /// - Returns: Whether some still wait for theirs.
    func feedSubscribers() -> Bool {
        var budget = Self.scanBytesPerTurn
        var pages = Self.pagesPerTurn
        while budget > 0, pages > 0, let subscription = live.popHungry() {
            guard subscription.phase == .catchingUp else { continue }
            guard let receiver = subscription.receiver else {
                live.remove(subscription)
                continue
            }
            pages -= 1
            do throws(ServiceFailure) {
                budget -= try feed(subscription, receiver)
            } catch {
                live.remove(subscription)
                receiver.fail(subscription, error)
            }
        }
        return live.hasHungry
    }

    /// Returns how many bytes of the log were looked at.
    private func feed(
        _ subscription: LiveSubscription, _ receiver: any LiveReceiver
    ) throws(ServiceFailure) -> Int {
        let database = try database(subscription.databaseID)
        var snapshot: Cursor?
        if case .operations(_, _, let cursor) = subscription.form { snapshot = cursor }
        try database.checkNotCompacted(
            since: subscription.cursor, snapshot: snapshot, of: subscription.deviceID)
        let scanned: Int
        do throws(OpLogError) {
            scanned = try database.feed(subscription, receiver)
        } catch {
            tell("a subscriber of database \(subscription.databaseID) was ended: \(error)")
            throw ServiceFailure(error)
        }
        if subscription.cursor >= database.head {
            subscription.phase = .live
        } else if receiver.unsentCount > LiveSubscriptions.unsentBytesMax {
            receiver.waitForRoom()
        } else {
            live.feed(subscription)
        }
        return scanned
    }
}
