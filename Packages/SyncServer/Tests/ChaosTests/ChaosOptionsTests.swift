// SPDX-License-Identifier: MIT

import Testing

@testable import entitysync_chaos

@Suite struct ChaosOptionsTests {
    @Test func readsAllOptions() throws {
        let options = try ChaosOptions([
            "--rounds", "7", "--seed", "9", "--devices", "3", "--json", "--only", "trickle",
            "--keep",
        ])
        #expect(options.rounds == 7)
        #expect(options.seed == 9)
        #expect(options.devices == 3)
        #expect(options.isJSON)
        #expect(options.only == [.trickle])
        #expect(options.keepsFiles)
        #expect(try ChaosOptions(["--minutes", "2"]).minutes == 2)
    }

    @Test(arguments: [
        ["--rounds"], ["--rounds", "0"], ["--rounds", "many"], ["--devices", "1"],
        ["--seed", "-1"], ["--only", "luck"], ["--fast"], ["--rounds", "1", "--minutes", "1"],
    ]) func refusesWhatItCannotDo(words: [String]) {
        #expect(throws: ChaosOptions.UsageError.self) { try ChaosOptions(words) }
    }
}

@Suite struct ReportTests {
    private func report() -> Report {
        Report(seed: 5, devices: 2, fullDisk: "skipped: no", available: [.reset, .delay])
    }

    @Test func aFindingCountsForEveryKindOfItsRoundAndMakesTheRunFail() {
        var report = report()
        #expect(report.exitStatus == 0)
        report.note(
            [Finding(rule: .log, message: "a gap")], round: 3, kinds: [.reset, .delay])
        #expect(report.exitStatus == 1)
        #expect(report.rows.filter { $0.failures == 1 }.map(\.kind) == [.reset, .delay])
        #expect(report.text.contains("failure in round 3 (connection reset, delay): log: a gap"))
        #expect(report.text.contains("1 failures"))
    }

    @Test func whatThisMachineCannotDoIsSaidToBeSkipped() {
        let rows = report().text.split(separator: "\n")
        #expect(rows.contains { $0.hasPrefix("server kill -9") && $0.hasSuffix("skipped") })
        #expect(rows.contains { $0.hasPrefix("delay") && !$0.contains("skipped") })
        #expect(report().text.contains("full disks: skipped: no"))
    }

    @Test func anInterruptedRunDoesNotPassForAWholeOne() {
        var report = report()
        report.wasInterrupted = true
        #expect(report.exitStatus == 130)
    }
}
