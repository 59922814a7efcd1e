// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol

/// One `GET /v1/events`: what a subscription tells, as server-sent events.
final class EventStream<Disk: FileSystem>: LiveStream, LiveReceiver {
    private let service: SyncService<Disk>
    private let query: EventQuery
    private var subscription: LiveSubscription?
    private var nextPing: UInt64

    init(service: SyncService<Disk>, _ query: EventQuery, principal: Principal, now: UInt64) {
        self.service = service
        self.query = query
        nextPing = now + LiveStreams.eventPing
        super.init(principal: principal)
    }

    override var deadline: UInt64 { min(nextPing, closesAt) }

    /// Says `connected`, and begins to tell.
    ///
    /// - Parameter lastEventID: What came behind it is told first.
    func begin(head: Cursor, lastEventID: Cursor?, id: String) {
        do throws(ServiceFailure) {
            let filter = query.filter(readable: principal.grants.collections.readable)
            let subscription = try service.subscribe(
                toEventsOf: query.databaseID, filter, after: lastEventID, receiver: self)
            self.subscription = subscription
            let data = JSONValue.object([
                .init("cursor", .number(head.rawValue)), .init("subscriptionId", .text(id)),
            ])
            write("connected", id: subscription.cursor, data)
        } catch {
            close(error.response)
        }
    }

    override func advance(to now: UInt64) {
        nextPing = now + LiveStreams.eventPing
        // Whoever has not read the last words does not need more of them.
        guard unsentCount == 0 else { return }
        write("ping", id: subscription?.cursor, .object([]))
    }

    override func review(_ authorizer: Authorizer) {
        let refusal = authorizer.standing(of: principal, query.databaseID, query.deviceID)
        if let refusal { close(refusal.failure.response) }
    }

    override func close(_ reason: ErrorResponse) {
        write("error", id: nil, reason.json)
        end()
    }

    override func released() {
        if let subscription { service.unsubscribe(subscription) }
        subscription = nil
    }

    override func drained() {
        if let subscription { service.resume(subscription) }
    }

    func waitForRoom() { stream?.waitForRoom() }

    func deliver(_ events: [UInt8], to subscription: LiveSubscription) {
        stream?.write(events[...])
    }

    func deliver(_ body: ByteChain, to subscription: LiveSubscription) {
        preconditionFailure("An event stream is told in events")
    }

    func overflow(_ subscription: LiveSubscription) {
        write(
            "overflow", id: nil,
            .object([.init("cursor", .number(subscription.cursor.rawValue))]))
        end()
    }

    func fail(_ subscription: LiveSubscription, _ failure: ServiceFailure) {
        close(failure.response)
    }

    private func write(_ name: String, id: Cursor?, _ data: JSONValue) {
        var bytes: [UInt8] = []
        ServerSentEvent.write(name, id: id.map { "\($0)" }, data: data.line.utf8, to: &bytes)
        stream?.write(bytes[...])
    }
}

/// What the query of `GET /v1/events` says.
struct EventQuery {
    var databaseID: DatabaseID
    var deviceID: DeviceID?
    var collections: [CollectionName]?

    /// Which operations are told of: as a pull with these keys returns them to one who may read
    /// these collections.
    func filter(readable: [CollectionName]?) -> PullFilter {
        PullFilter(
            PullRequest(
                databaseID: databaseID, sinceCursor: .start, limit: 1, collections: collections,
                deviceID: deviceID), readable: readable)
    }

    /// Reads the query. Names are percent-encoded one by one; unknown items are skipped.
    init(_ request: HTTPRequest) throws(ServiceFailure) {
        var database: DatabaseID?
        for item in request.queryItems() {
            switch item.name {
            case "dbId":
                guard database == nil else { throw .invalidRequest("dbId comes twice.") }
                database = try Self.name(item.rawValue, "dbId")
            case "deviceId":
                guard deviceID == nil else { throw .invalidRequest("deviceId comes twice.") }
                deviceID = try Self.name(item.rawValue, "deviceId")
            case "collections":
                var names = collections ?? []
                for name in item.rawValue.utf8.split(separator: UInt8(ascii: ",")) {
                    names.append(try Self.name(String(Substring(name)), "collections"))
                }
                collections = names
            default: break
            }
        }
        guard let database else {
            throw .invalidRequest("Name the database: /v1/events?dbId=…")
        }
        databaseID = database
    }

    private static func name<Name: TextIdentifier>(
        _ raw: String, _ key: String
    ) throws(ServiceFailure) -> Name {
        guard let text = HTTPPercentEncoding.decodedString(raw), case let name = Name(text),
            name.isValid
        else { throw .invalidRequest("\(key) must be \(Name.rule).") }
        return name
    }
}
