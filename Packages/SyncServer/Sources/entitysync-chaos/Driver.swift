// SPDX-License-Identifier: MIT

import Foundation

/// Runs round after round, and reports.
struct Driver {
    private let options: ChaosOptions
    private let seed: UInt64
    private let directory: String
    private let available: [FaultKind]
    private var report: Report
    private var world: World?
    private var earlierLog = LogDump(operations: [])

    init(_ options: ChaosOptions) {
        self.options = options
        seed = options.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        directory =
            FileManager.default.temporaryDirectory
            .appending(path: "entitysync-chaos-\(UUID().uuidString)").path
        available = FaultKind.allCases.filter { kind in
            (options.only.isEmpty || options.only.contains(kind))
                && (!kind.isOnDisk || Volume.canLimit)
        }
        report = Report(
            seed: seed, devices: options.devices, fullDisk: Volume.howLimited,
            available: available)
    }

    /// Runs to the end, leaves no process behind, and returns the report.
    mutating func run() -> Report {
        let start = Platform.seconds
        let deadline = options.minutes.map { start + Double($0) * 60 } ?? .infinity
        let rounds = options.minutes == nil ? options.rounds ?? ChaosOptions.roundsByDefault : .max
        progress("seed \(seed), \(options.devices) devices; full disks: \(Volume.howLimited)")
        var round = 0
        while round < rounds, Platform.seconds < deadline, !Interruption.hasCome {
            runRound(round, since: start)
            round += 1
        }
        endWorld()
        if options.keepsFiles {
            progress("the files are in \(directory)")
        } else {
            try? FileManager.default.removeItem(atPath: directory)
        }
        report.rounds = round
        report.seconds = Int(Platform.seconds - start)
        report.wasInterrupted = Interruption.hasCome
        return report
    }

    private mutating func runRound(_ number: Int, since start: Double) {
        let plan = FaultPlan.make(
            seed: seed, round: number, available: available, deviceCount: options.devices,
            milliseconds: ChaosOptions.faultMilliseconds)
        if number % ChaosOptions.roundsPerWorld == 0 { endWorld() }
        var findings: [Finding] = []
        do {
            let world = try self.world ?? makeWorld(number)
            var round = Round(world, plan)
            defer { take(round) }
            try round.run(milliseconds: ChaosOptions.faultMilliseconds)
            try round.heal()
            findings += try judge(world, number)
        } catch let failure as Quiescence.Failure {
            findings.append(failure.finding)
        } catch is Interrupted {
            return
        } catch {
            findings.append(Finding(rule: .liveness, message: "\(error)"))
        }
        if let world {
            findings += world.deaths + world.torn
            (world.deaths, world.torn) = ([], [])
        }
        report.note(findings, round: number, kinds: plan.kinds)
        let seconds = Int(Platform.seconds - start)
        progress(
            "[\(seconds) s] round \(number): \(plan.kinds.map(\.rawValue).joined(separator: ", "))"
                + (findings.isEmpty ? "" : ": \(findings.count) FAILURES"))
        for finding in findings.prefix(5) {
            progress("    \(finding.rule.rawValue): \(finding.message)")
        }
        // What went wrong once would be found again and again.
        if findings.contains(where: { $0.rule != .death }) { endWorld() }
    }

    private mutating func judge(_ world: World, _ number: Int) throws -> [Finding] {
        let quiescence = Quiescence(world: world)
        try quiescence.settle()
        report.quietPassesMax = max(report.quietPassesMax, try quiescence.sync())
        let evidence = try quiescence.gather(earlierLog: earlierLog, number: number)
        report.operations += evidence.log.operations.count - earlierLog.operations.count
        earlierLog = evidence.log
        let findings = Checkers.check(evidence)
        if options.keepsFiles, !findings.isEmpty {
            try DumpFile.write(evidence, to: directory + "/evidence\(number).json")
        }
        return findings
    }

    private mutating func makeWorld(_ number: Int) throws -> World {
        let world = try World(
            directory: directory + "/world\(number)", deviceCount: options.devices,
            checkpointBytes: options.checkpointBytes)
        self.world = world
        earlierLog = LogDump(operations: [])
        try world.startServer()
        for index in world.members.indices { try world.startDevice(index) }
        let deadline = Platform.seconds + Quiescence.patienceSeconds
        while !world.isServerUp, Platform.seconds < deadline { world.wait(milliseconds: 100) }
        return world
    }

    private mutating func endWorld() {
        guard let world else { return }
        for member in world.members {
            report.cycles += member.cycleCount
            let ledger = (try? Ledger.read(world.path(member.name + ".ledger"))) ?? []
            report.edits += ledger.count { $0.outcome == .committed }
        }
        report.refusedEdits += world.refusedCount
        report.failedCycles += world.failedCycleCount
        world.end(keepsFiles: options.keepsFiles)
        self.world = nil
    }

    private mutating func take(_ round: Round) {
        for (kind, count) in round.injected {
            for _ in 0..<count { report.noteInjected(kind) }
        }
        for (kind, cycles) in round.cyclesHit { report.noteHit(kind, cycles: cycles.count) }
    }

    private func progress(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}
