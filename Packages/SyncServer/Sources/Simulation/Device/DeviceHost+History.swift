// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

// Copies of a device's files, and damage to them.
extension DeviceHost {
    /// Keeps a copy of the device's files, or puts the one that is kept back.
    ///
    /// - Returns: Whether it put one back.
    func copyOrRestore() throws -> Bool {
        guard let cycle, !isSick else { return false }
        guard let copy else {
            note("its files are copied")
            do {
                let name = try cycle.inspect().deviceID
                self.copy = (disk.copyTree(at: Self.directory), name, cycleChecker)
            } catch {
                try failed(error)
            }
            return false
        }
        do {
            try forget(cycle)
        } catch let failure as SimulationFailure {
            throw failure
        } catch {
            try failed(error)
            return false
        }
        stop(cleanly: true)
        note("its files are put back from the copy")
        self.copy = nil
        disk.replaceTree(at: Self.directory, with: copy.tree)
        checker.historyIsGone()
        checker.nameMayChange()
        cycleChecker.putBack(to: copy.cycleChecker)
        seenChecker.historyIsGone()
        world.strike(.deviceRestores, copyOf: copy.name)
        try start()
        return true
    }

    /// What this device alone has is gone, and nobody can be asked to keep it.
    private func forget(_ cycle: Cycle) throws {
        try capture(cycle)
        let ledger = world.ledger(of: databaseID)
        let log = world.server.checker.models[databaseID]?.durable ?? LogModel.Log()
        let found = try cycle.inspect(isBrief: true)
        var held: Set<UInt64> = []
        for operation in found.operations {
            held.formUnion(EntityContent.tokens(operation.entityCBOR))
            let isLogged =
                log.accepted[operation.deviceID]?[operation.operationID]
                .map { log.operations[$0].hasSameContent(as: operation) } ?? false
            if operation.kind == .delete, !isLogged { ledger.excuseRemovals(of: operation.key) }
        }
        for collection in store?.collections ?? [] {
            for entity in store?.rawEntities(in: collection) ?? [] {
                held.formUnion(EntityContent.tokens(entity.content))
            }
        }
        let logged = log.tokens
        ledger.excuse(held.subtracting(logged))
        // What has lost a conflict is in the log, and where it does not stand only here; or it
        // stands until an edit arrives that has been sent.
        let sent = Set(found.operations.prefix { $0.operationID <= found.sentThrough }.map(\.key))
        for (key, contents) in try kept() {
            let tokens = Set(contents.joined())
            let standing = Set(EntityContent.tokens(log.revision(key)?.content))
            ledger.excuse(sent.contains(key) ? tokens : tokens.subtracting(standing))
            held.formUnion(tokens)
            ledger.excuseRemovals(of: key)
        }
        ledger.release(held.intersection(logged))
    }

    /// The edits of each content that the conflict log and the quarantine keep.
    func kept() throws -> [EntityKey: [Set<UInt64>]] {
        guard let cycle else { return [:] }
        var kept: [EntityKey: [Set<UInt64>]] = [:]
        for record in try cycle.conflicts() {
            kept[record.conflict.key, default: []] += [
                Set(EntityContent.tokens(record.conflict.local)),
                Set(EntityContent.tokens(record.conflict.remote)),
            ]
        }
        for entry in try cycle.quarantinedOperations() {
            kept[entry.operation.key, default: []]
                .append(Set(EntityContent.tokens(entry.operation.content)))
        }
        return kept
    }

    /// A new device with this one's files.
    func clone(as index: Int) throws -> DeviceHost {
        note("is cloned as device \(index)")
        let found = try cycle?.inspect(isBrief: true)
        // Both have what was not pushed yet, and both push it, under two names.
        for operation in found?.operations ?? [] {
            world.ledger(of: databaseID).putsBack(operation.key)
        }
        world.strike(.clones, copyOf: found?.deviceID)
        checker.nameMayChange()
        let clone = DeviceHost(world: world, index: index, copyOf: self)
        clone.disk.replaceTree(at: Self.directory, with: disk.copyTree(at: Self.directory))
        clone.checker.historyIsGone()
        clone.seenChecker.historyIsGone()
        return clone
    }

    /// Turns a bit of some file over while the app is closed, and sees that it is found.
    ///
    /// - Returns: Whether there was one to turn over.
    func flipBit() throws -> Bool {
        guard cycle != nil, !isSick else { return false }
        stop(cleanly: true)
        guard let (path, byte, bit) = randomBit(of: disk, in: Self.directory, using: &generator)
        else {
            try start()
            return false
        }
        note("bit \(bit) of byte \(byte) of \(path) turns over")
        let intact = disk.copyTree(at: Self.directory)
        let known = checker
        disk.flipBit(path, byte: byte, bit: bit)
        do {
            try open()
            try check(isOpening: true)
        } catch let failure as SimulationFailure {
            throw SimulationFailure(
                .damageIsFound,
                "bit \(bit) of byte \(byte) of \(path) of device \(index) turned "
                    + "over, and nobody was told: \(failure.detail)")
        } catch {
            note("the damage is reported")
        }
        store?.close()
        end()
        disk.killProcesses()
        disk.replaceTree(at: Self.directory, with: intact)
        checker = known
        try start()
        return true
    }
}

// What the device may not do.
extension DeviceHost {
    /// The device is refused something for a while.
    func refuse(using generator: inout SeededGenerator) {
        let kinds = [["/v1/handshake"], ["/v1/push"], ["/v1/pull"]]
        let paths = generator.oneOf(kinds + [kinds.flatMap { $0 }])
        let duration = UInt64.random(in: 0...20_000_000_000, using: &generator)
        refusal = (Set(paths), world.clock.now + duration)
    }
}
