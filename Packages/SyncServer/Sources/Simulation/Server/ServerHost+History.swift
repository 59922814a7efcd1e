// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

// History.
extension ServerHost {
    /// Copies the data directory as it is.
    func takeBackup() {
        guard staged.isEmpty, !checker.isServerSick else { return }
        note("the server's files are copied")
        backup = Backup(
            tree: disk.copyTree(at: Self.directory),
            logs: checker.models.mapValues(\.durable))
    }

    /// Puts the copy back under new identities.
    ///
    /// - Returns: Whether there was one.
    func restoreBackup() throws -> Bool {
        guard let backup else { return false }
        stop(cleanly: false)
        world.strike(.serverRestores)
        note("the server's files are put back from the copy")
        disk.replaceTree(at: Self.directory, with: backup.tree)
        for databaseID in world.databaseIDs {
            disk.forgetPlaces(of: databaseID)
            forget(databaseID, except: backup.logs[databaseID] ?? LogModel.Log())
            let logID = try Core.renewLogID(
                ofDatabaseIn: Self.directory + "/databases/\(databaseID)", on: disk,
                using: &generator)
            checker.restore(
                databaseID, logID: logID, log: backup.logs[databaseID] ?? LogModel.Log())
        }
        try start()
        return true
    }

    /// What only the server has behind the copy is gone.
    private func forget(_ databaseID: DatabaseID, except copy: LogModel.Log) {
        guard let log = checker.models[databaseID]?.durable else { return }
        let ledger = world.ledger(of: databaseID)
        ledger.lose(log.tokens.subtracting(copy.tokens))
        for operation in log.operations.dropFirst(copy.operations.count)
        where operation.kind == .delete {
            ledger.excuseRemovals(of: operation.key)
        }
    }

    /// Turns a bit of some file over while the server is off, and sees that it is found.
    ///
    /// Only after an orderly stop: where the power went, the mark behind the last frame may have
    /// gone with it, and then nothing tells a damaged frame from one that nobody was promised.
    ///
    /// - Returns: Whether there was one to turn over.
    func flipBit() throws -> Bool {
        guard isRunning, !checker.isServerSick else { return false }
        stop(cleanly: true)
        guard let (path, byte, bit) = randomBit(of: disk, in: Self.directory, using: &generator)
        else {
            try start()
            return false
        }
        note("bit \(bit) of byte \(byte) of \(path) turns over")
        let intact = disk.copyTree(at: Self.directory)
        disk.flipBit(path, byte: byte, bit: bit)
        if try reportsDamage("bit \(bit) of byte \(byte) of \(path) turned over") {
            note("the damage is reported")
        }
        disk.killProcesses()
        disk.replaceTree(at: Self.directory, with: intact)
        try start()
        return true
    }

    /// Opens files that were damaged.
    ///
    /// - Returns: Whether the damage was reported.
    /// - Throws: `SimulationFailure` if it was not, and something else is there than was.
    func reportsDamage(_ damage: String) throws -> Bool {
        var isReported = false
        do {
            let opened = try open()
            isReported = !opened.reports.isEmpty
            // After an orderly stop everything is acknowledged: nothing may be cut off.
            try verify(opened.core)
            opened.core.close()
        } catch let failure as SimulationFailure
            where failure.rule
            == SimulationFailure.Rule
            .filesOpen.rawValue
        {
            isReported = true
        } catch let failure as SimulationFailure {
            throw SimulationFailure(
                .damageIsFound,
                "\(damage), and nobody was told: \(failure.detail)")
        }
        return isReported
    }
}

extension SimulatedDisk {
    /// What devices had applied belongs to the log before.
    fileprivate func forgetPlaces(of databaseID: DatabaseID) {
        try? removeFile(at: ServerHost.directory + "/databases/\(databaseID)/devices")
    }
}

/// A bit of some file, each file as likely as any other; `nil` if there is no file with bytes.
func randomBit(
    of disk: SimulatedDisk, in directory: String, using generator: inout SeededGenerator
) -> (path: String, byte: Int, bit: Int)? {
    let files = disk.filePaths(in: directory).filter { disk.bytes(at: $0)?.isEmpty == false }
    guard let path = files.randomElement(using: &generator), let bytes = disk.bytes(at: path)
    else { return nil }
    return (
        path, Int.random(in: bytes.indices, using: &generator),
        Int.random(in: 0..<8, using: &generator)
    )
}
