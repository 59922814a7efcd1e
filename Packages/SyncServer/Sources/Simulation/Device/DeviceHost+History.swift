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
                self.copy = (disk.copyTree(at: Self.directory), name)
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
        world.strike(.deviceRestores, copyOf: copy.name)
        try start()
        return true
    }

    /// What this device alone has is gone, and nobody can be asked to keep it.
    private func forget(_ cycle: Cycle) throws {
        try capture(cycle)
        let ledger = world.ledger(of: databaseID)
        for operation in try cycle.inspect().operations {
            ledger.excuse(EntityContent.tokens(operation.entityCBOR))
        }
        ledger.excuse(try keptTokens())
        // A server that was put back itself may have nothing of what this device had pulled.
        guard world.conditions.contains(.serverRestores), let store else { return }
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                ledger.excuse(EntityContent.tokens(entity.content))
            }
        }
    }

    /// The edits that the conflict log and the quarantine keep.
    func keptTokens() throws -> Set<UInt64> {
        guard let cycle else { return [] }
        var kept: Set<UInt64> = []
        for record in try cycle.conflicts() {
            for content in [record.conflict.local, record.conflict.remote] {
                kept.formUnion(EntityContent.tokens(content))
            }
        }
        for entry in try cycle.quarantinedOperations() {
            kept.formUnion(EntityContent.tokens(entry.operation.entityCBOR))
        }
        return kept
    }

    /// A new device with this one's files.
    func clone(as index: Int) throws -> DeviceHost {
        note("is cloned as device \(index)")
        world.strike(.clones, copyOf: try cycle?.inspect().deviceID)
        checker.nameMayChange()
        let clone = DeviceHost(world: world, index: index, copyOf: self)
        clone.disk.replaceTree(at: Self.directory, with: disk.copyTree(at: Self.directory))
        clone.checker.historyIsGone()
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
