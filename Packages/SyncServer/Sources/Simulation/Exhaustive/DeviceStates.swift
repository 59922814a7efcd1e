// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// A state of a device, with what the checkers know of its past.
struct DeviceState: Hashable {
    var model: DeviceModel
    /// The request of which the device awaits the answer; none between cycles.
    var awaited = SmallWorldState.none
    /// How many transactions the app has committed.
    var edits = 0
    /// The edits that the app has made.
    var made: EditSet = []
    /// The edits that the app deleted, having seen them.
    var excused: EditSet = []
    /// The edits that lost a conflict here, and are in the conflict log.
    var lost: EditSet = []
}

/// All states of devices that were found, and what the client's code makes of each: everything is
/// worked out once, however many worlds it comes up in.
struct DeviceStates {
    /// What happens to a device. `argument` is an edit, an answer or a page.
    enum Event: UInt64 {
        case edit, begin, fail, stop, answer, answerAndDeath, restart, page
    }

    let world: SmallWorld
    private let settings: [DeviceModel.Setting]
    private(set) var states = Numbering<DeviceState>()
    /// What is asked of each state most.
    private(set) var briefs: [Brief] = []
    private let messages: Messages
    private var results: [UInt64: Int32] = [:]

    /// What the explorer looks at in every state, apart from what is costly to copy.
    struct Brief {
        var awaited: Int32
        var isPush: Bool
        var edits: Int
        var made: EditSet
        /// The edits that the device deleted or that lost here.
        var settled: EditSet
    }

    init(_ world: SmallWorld, _ messages: Messages) {
        self.world = world
        self.messages = messages
        settings = (0..<world.devices).map { device in
            var configuration = SyncConfiguration(
                databaseID: SmallWorld.databaseID, deviceID: SmallWorld.deviceID(device))
            configuration.pullLimit = world.pullLimit
            return DeviceModel.Setting(configuration, resolver: world.conflictResolver)
        }
    }

    subscript(number: Int32) -> Brief { briefs[Int(number)] }

    /// The device in a state.
    func model(_ number: Int32) -> DeviceModel { states[number].model }

    /// The state that a new device is in.
    mutating func first(_ device: Int) throws -> Int32 {
        number(of: DeviceState(model: try DeviceModel(settings[device])))
    }

    private mutating func number(of state: DeviceState) -> Int32 {
        let number = states.number(of: state)
        if Int(number) == briefs.count {
            let isPush = state.awaited != SmallWorldState.none && messages.isPush(state.awaited)
            briefs.append(
                Brief(
                    awaited: state.awaited, isPush: isPush, edits: state.edits, made: state.made,
                    settled: state.excused.union(state.lost)))
        }
        return number
    }

    /// The state that follows; `nil` if the event cannot happen.
    mutating func next(
        _ number: Int32, _ event: Event, _ argument: Int32 = 0, device: Int
    ) throws -> Int32? {
        let key = UInt64(number) << 32 | event.rawValue << 28 | UInt64(argument)
        if let known = results[key] { return known == SmallWorldState.none ? nil : known }
        var state = states[number]
        let isPossible = try happen(event, argument, &state, device)
        let next = isPossible ? self.number(of: state) : SmallWorldState.none
        results[key] = next
        return isPossible ? next : nil
    }

    /// A pull that waits at the server; `nil` before the first handshake.
    func waitingPull(_ number: Int32, device: Int) throws -> PullRequest? {
        try states[number].model.makeWaitingPull(settings[device])
    }

    func inspect(_ number: Int32, device: Int) throws -> ReplicaInspection {
        try states[number].model.inspect(settings[device])
    }

    private mutating func happen(
        _ event: Event, _ argument: Int32, _ state: inout DeviceState, _ device: Int
    ) throws -> Bool {
        let setting = settings[device]
        let before = try state.model.inspect(setting)
        let hasSent =
            before.operations.first.map { $0.operationID <= before.unansweredThrough } ?? false
        let mayApply =
            !hasSent
            || (state.awaited != SmallWorldState.none && messages.isPush(state.awaited)
                && event != .page)
        switch event {
        case .edit:
            return edit(&state, device, world.edits[Int(argument)])
        case .begin:
            state.awaited = messages.number(of: try state.model.begin(setting))
        case .fail:
            state.awaited = messages.number(
                of: try state.model.take(
                    .failure(SyncError(.network, "lost")), to: messages.requests[state.awaited],
                    setting))
        case .stop:
            state.awaited = SmallWorldState.none
        case .answer:
            state.awaited = messages.number(
                of: try state.model.take(
                    .success(messages.answers[argument]), to: messages.requests[state.awaited],
                    setting))
        case .answerAndDeath:
            guard
                try state.model.die(
                    taking: messages.answers[argument], to: messages.requests[state.awaited],
                    setting)
            else { return false }
            state.awaited = SmallWorldState.none
        case .restart:
            try state.model.restart(setting)
            state.awaited = SmallWorldState.none
        case .page:
            let late = messages.pages[argument]
            try state.model.take(late.page, to: late.request, setting)
        }
        try noteConflicts(&state)
        try check(state, setting, before, mayApply: mayApply)
        return true
    }

    /// The app commits a transaction, if it has what it is to delete.
    private func edit(
        _ state: inout DeviceState, _ device: Int, _ writes: [SmallWorld.Write]
    ) -> Bool {
        let entities = state.model.entities
        var contents: [(key: EntityKey, content: [UInt8]?)] = []
        for write in writes {
            let key = SmallWorld.key(write.entity)
            guard write.isDelete else {
                let token = SmallWorld.token(
                    device: device, edit: state.edits, entity: write.entity)
                let tokens = EntityContent.tokens(entities[key]) + [token]
                contents.append((key, EntityContent(tokens: tokens).encoded))
                state.made.formUnion(EditSet(rawValue: 1 << token))
                continue
            }
            guard let content = entities[key] else { return false }
            contents.append((key, nil))
            state.excused.formUnion(EditSet(content))
        }
        state.edits += 1
        state.model.commit(contents)
        return true
    }

    private func noteConflicts(_ state: inout DeviceState) throws {
        for record in state.model.conflicts {
            // No device has a copy in a small world, so it has seen what comes under its name.
            guard record.conflict.remoteDeviceID != record.conflict.localDeviceID else {
                throw SimulationFailure(
                    .noConflictWithOneself,
                    "\(record.conflict.localDeviceID) is in conflict with "
                        + "a revision of \(record.conflict.key) that it made itself")
            }
            let met = EditSet(record.conflict.local).union(EditSet(record.conflict.remote))
            let standing: EditSet =
                switch record.resolution {
                case .keepLocal: EditSet(record.conflict.local)
                case .keepRemote: EditSet(record.conflict.remote)
                case .merge(let content): EditSet(content)
                }
            state.lost.formUnion(met.subtracting(standing))
        }
        state.model.conflicts = []
    }

    /// The rules that a device keeps whatever the server has.
    private func check(
        _ state: DeviceState, _ setting: DeviceModel.Setting, _ before: ReplicaInspection,
        mayApply: Bool
    ) throws {
        let found = try state.model.inspect(setting)
        if let fault = found.queueFault { throw SimulationFailure(.queueIsSound, fault) }
        if found.cursor < before.cursor {
            throw SimulationFailure(
                .cursorsGoUp, "the cursor went from \(before.cursor) to \(found.cursor)")
        }
        guard mayApply || found.cursor == before.cursor else {
            throw SimulationFailure(
                .settledFirst,
                "everything up to \(found.cursor) was applied while operation "
                    + "\(before.operations[0].operationID) may be on the server")
        }
        if let bad = state.model.quarantined.first {
            throw SimulationFailure(
                .goesOn, "operation \(bad.operation.operationID) is in quarantine: \(bad.message)")
        }
    }
}

/// The page of a waiting pull, with what it answers.
struct LatePage: Hashable {
    var request: PullRequest
    var page: PullResponse
}

/// All messages that were sent, each once.
final class Messages {
    private(set) var requests = Numbering<SyncRequest>()
    private(set) var answers = Numbering<SyncAnswer>()
    private(set) var pages = Numbering<LatePage>()

    func number(of request: SyncRequest?) -> Int32 {
        request.map { requests.number(of: $0) } ?? SmallWorldState.none
    }

    func number(of answer: SyncAnswer) -> Int32 { answers.number(of: answer) }

    func number(of page: LatePage) -> Int32 { pages.number(of: page) }

    func isPush(_ request: Int32) -> Bool {
        if case .push = requests[request] { true } else { false }
    }
}
