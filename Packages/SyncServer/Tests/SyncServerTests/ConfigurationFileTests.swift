// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Settings of a file, beside those of environment and flags.
@Suite struct ConfigurationFileTests {
    private func parse(
        _ file: String, _ arguments: [String] = [], _ environment: [String: String] = [:]
    ) throws -> (settings: ServeSettings, applied: AppliedSettings) {
        let disk = SimulatedDisk()
        try disk.openFile(at: "file", .createNew).write(Array(file.utf8), at: 0)
        return try ServeSettings.parse(
            ["--config", "file"] + arguments, environment: environment, on: disk)
    }

    @Test func aFlagWinsOverTheEnvironmentAndThatOverTheFile() throws {
        let file = "data = f\nhost = f\nport = 1\n"
        let environment = ["ENTITYSYNC_HOST": "e", "ENTITYSYNC_PORT": "2"]
        let (settings, _) = try parse(file, ["--port", "3"], environment)
        #expect(settings.data == "f")
        #expect(settings.host == "e")
        #expect(settings.port == 3)
    }

    @Test func linesAreTakenAsPeopleWriteThem() throws {
        let file = "# mine\r\n\r\n\tdata=a = b  \r\n  insecure-open =1\n \t\npolicy = c=d=merge"
        let (settings, _) = try parse(file)
        #expect(settings.data == "a = b")
        #expect(settings.isInsecureOpen)
        #expect(settings.service.policies.byCollection == ["c=d": .merge])
    }

    @Test(
        arguments: [
            ("data", "file:1 is no setting; write it as name = value."),
            ("\n\n= x", "file:3 is no setting; write it as name = value."),
            ("prt = 1", "file:1: there is no setting prt. Did you mean port?"),
            ("\nport = x", "file:2: port must be a whole number from 0 to 65535, and is \"x\"."),
            ("config = other", "file:1: there is no setting config."),
        ] as [(String, String)]) func aFaultNamesTheLine(file: String, fault: String)
    {
        #expect(throws: UsageError(description: fault)) { try parse(file) }
    }

    @Test func whatIsNoTextOrNotThereIsRefused() throws {
        let disk = SimulatedDisk()
        try disk.openFile(at: "x", .createNew).write([0xFF, 0x3D], at: 0)
        #expect(throws: UsageError.self) { try ConfigurationFile(path: "x", on: disk) }
        #expect(throws: UsageError.self) { try ConfigurationFile(path: "y", on: disk) }
    }

    @Test func whatIsPrintedIsAFileThatMakesTheSameSettings() throws {
        let arguments = ["--port", "7", "--policy", "merge", "--policy", "a=clientWins"]
        let (settings, applied) = try parse(
            "data = d\nmax-headers = 9\npolicy = a=detect\npolicy = b=serverWins", arguments,
            ["ENTITYSYNC_COMPACT_AFTER": "3h", "ENTITYSYNC_INSECURE_OPEN": "1"])

        let printed = applied.text(ServeSettings.settingOptions.options, ServeSettings())
        let (again, _) = try parse(printed)

        #expect(printed.contains("max-headers = 9\n# ^ line 2\n"))
        #expect(printed.contains("compact-after = 3h\n# ^ ENTITYSYNC_COMPACT_AFTER\n"))
        #expect(printed.contains("port = 7\n# ^ flag\n"))
        #expect(printed.contains("host = 127.0.0.1\n"))
        #expect(printed.contains("# token-file is not set\n"))
        #expect(again.data == settings.data && again.port == settings.port)
        #expect(again.maxHeaders == 9 && again.isInsecureOpen)
        #expect(again.service.policies == settings.service.policies)
        #expect(again.service.retention == settings.service.retention)
    }
}
