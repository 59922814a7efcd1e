// SPDX-License-Identifier: MIT

import SyncProtocol

/// A pull that waits for something to pass its filter.
struct WaitingPull {
    let request: PullRequest
    let principal: Principal
    let filter: PullFilter
    let receiver: (ServiceAnswer) -> Void
    /// Up to here nothing passed.
    var scanned: Cursor
}

/// The waiting pulls of a service: by database for those that wake them, by deadline for those that
/// give up. Slots are used again, so a pull is named by slot and serial number.
struct WaitingPulls {
    /// Names a waiting pull, to take it back.
    struct Ticket: Hashable {
        fileprivate var slot: Int
        fileprivate var serial: UInt64
    }

    private struct Entry {
        var serial: UInt64
        var pull: WaitingPull
    }

    private var entries: [Entry?] = []
    private var freeSlots: [Int] = []
    private var deadlines = DeadlineHeap()
    private var byDatabase: [DatabaseID: [UInt64: Int]] = [:]
    private var lastSerial: UInt64 = 0

    /// How many there are.
    var count: Int { entries.count - freeSlots.count }

    /// The earliest deadline.
    var firstDeadline: UInt64? { deadlines.first }

    /// Whether any pull of a database waits.
    func hasPulls(of databaseID: DatabaseID) -> Bool { byDatabase[databaseID] != nil }

    /// Adds a pull that gives up at `deadline`, in monotonic nanoseconds.
    mutating func insert(_ pull: WaitingPull, deadline: UInt64) -> Ticket {
        lastSerial += 1
        let slot = freeSlots.popLast() ?? entries.count
        if slot == entries.count { entries.append(nil) }
        entries[slot] = Entry(serial: lastSerial, pull: pull)
        deadlines.set(deadline, for: slot)
        byDatabase[pull.request.databaseID, default: [:]][lastSerial] = slot
        return Ticket(slot: slot, serial: lastSerial)
    }

    /// Takes a pull out, if it still waits.
    @discardableResult
    mutating func remove(_ ticket: Ticket) -> WaitingPull? {
        guard let entry = entries[ticket.slot], entry.serial == ticket.serial else { return nil }
        return take(ticket.slot)
    }

    /// Takes out the pull with the earliest deadline, if that is not after `now`.
    mutating func popDue(at now: UInt64) -> WaitingPull? {
        deadlines.popDue(at: now).flatMap { take($0) }
    }

    /// Takes out the pulls that `answer` has something for, with it, the longest waiting first.
    mutating func remove<Answer>(
        _ answer: (WaitingPull) -> Answer?
    ) -> [(pull: WaitingPull, answer: Answer)] {
        var found: [(serial: UInt64, slot: Int, answer: Answer)] = []
        for (slot, entry) in entries.enumerated() {
            guard let entry, let answer = answer(entry.pull) else { continue }
            found.append((entry.serial, slot, answer))
        }
        return found.sorted { $0.serial < $1.serial }.compactMap { found in
            take(found.slot).map { ($0, found.answer) }
        }
    }

    /// Takes out all pulls, the longest waiting first.
    mutating func removeAll() -> [WaitingPull] {
        let waiting = entries.compactMap { $0 }.sorted { $0.serial < $1.serial }
        self = WaitingPulls()
        return waiting.map(\.pull)
    }

    /// Takes out the pulls of a database that `isWoken` says yes to, the longest waiting first, and
    /// notes for the others that nothing up to `head` passed.
    mutating func wake(
        _ databaseID: DatabaseID, head: Cursor, isWoken: (PullFilter) -> Bool
    ) -> [WaitingPull] {
        guard let waiting = byDatabase[databaseID] else { return [] }
        var woken: [(serial: UInt64, slot: Int)] = []
        for (serial, slot) in waiting {
            guard let entry = entries[slot] else { continue }
            if isWoken(entry.pull.filter) {
                woken.append((serial, slot))
            } else {
                entries[slot]?.pull.scanned = head
            }
        }
        return woken.sorted { $0.serial < $1.serial }.compactMap { take($0.slot) }
    }

    private mutating func take(_ slot: Int) -> WaitingPull? {
        guard let entry = entries[slot] else { return nil }
        entries[slot] = nil
        freeSlots.append(slot)
        deadlines.remove(slot)
        let databaseID = entry.pull.request.databaseID
        byDatabase[databaseID]?[entry.serial] = nil
        if byDatabase[databaseID]?.isEmpty ?? false { byDatabase[databaseID] = nil }
        return entry.pull
    }
}

extension LogGroupBuilder {
    /// Whether any of its operations passes.
    func hasOperations(passing filter: PullFilter) -> Bool {
        filter.passesAll
            || kinds.contains { kind in
                withName(kind.collection) { collection in
                    withName(kind.device) { deviceID in
                        filter.passes(collection: collection, deviceID: deviceID)
                    }
                }
            }
    }
}
