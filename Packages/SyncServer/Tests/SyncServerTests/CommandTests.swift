// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import Testing

@testable import SyncServer

/// The command line of `entitysync-server`.
@Suite struct CommandTests {
    private func parse(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> ServeSettings {
        var settings = ServeSettings()
        try ServeSettings.options.parse(arguments, environment: environment, into: &settings)
        return settings
    }

    @Test func flagsAndVariablesSetTheSameAndFlagsWin() throws {
        let environment = [
            "ENTITYSYNC_DATA": "/env", "ENTITYSYNC_PORT": "1", "ENTITYSYNC_MAX_PUSH_OPS": "5",
            "ENTITYSYNC_INSECURE_OPEN": "1", "PORT": "99",
        ]

        let settings = try parse(["--data", "/flag", "--port=0"], environment)

        #expect(settings.data == "/flag")
        #expect(settings.port == 0)
        #expect(settings.service.limits.maxPushOperations == 5)
        #expect(settings.isInsecureOpen)
        #expect(settings.host == "127.0.0.1")
    }

    @Test func everyLimitHasAFlag() throws {
        let settings = try parse([
            "--max-push-ops", "1", "--max-transaction-ops", "2", "--max-pull-ops", "3",
            "--max-page-bytes", "4096", "--max-body-bytes", "5000", "--max-entity-bytes", "6",
            "--max-message-depth", "7", "--max-entity-depth", "8", "--max-databases", "9",
            "--max-devices", "10", "--max-segment-bytes", "11000", "--max-header-bytes", "12000",
            "--max-headers", "13", "--header-timeout", "14", "--body-timeout", "15",
            "--idle-timeout", "16", "--shutdown-grace", "17s", "--max-connections", "18",
            "--max-unsent-bytes", "19000",
        ])

        let http = settings.httpConfiguration
        #expect(settings.service.limits.maxTransactionOperations == 2)
        #expect(settings.service.limits.maxPageBytes == 4_096)
        #expect(settings.service.limits.maxEntityBytes == 6)
        #expect(settings.service.maxEntityDepth == 8)
        #expect(settings.service.segmentBytesMax == 11_000)
        #expect(settings.maxMessageDepth == 7)
        #expect(http.limits.maxBodyBytes == 5_000)
        #expect(http.limits.maxHeadBytes == 12_000)
        #expect(http.limits.maxHeaderCount == 13)
        #expect(http.headerTimeout == .seconds(14))
        #expect(http.bodyTimeout == .seconds(15))
        #expect(http.idleTimeout == .seconds(16))
        #expect(http.shutdownGrace == .seconds(17))
        #expect(http.maxConnections == 18)
        #expect(http.maxUnsentBytes == 19_000)
    }

    @Test func theDefaultsAreTheProtocols() {
        let settings = ServeSettings()

        #expect(settings.service.limits == .standard)
        #expect(settings.service.maxDatabases == 10_000)
        #expect(settings.service.maxDevices == 100_000)
        #expect(settings.httpConfiguration.limits.maxBodyBytes == 16 << 20)
        #expect(settings.httpConfiguration.maxConnections == 10_000)
    }

    @Test func policiesAreSetForAllCollectionsAndForSingleOnes() throws {
        let environment = ["ENTITYSYNC_POLICY": "a=detect,clientWins,b=lastWriteWins"]

        let settings = try parse(
            ["--policy", "merge", "--policy=a=serverWins", "--policy", "x=y=merge"], environment)

        let policies = settings.service.policies
        #expect(policies.standard == .merge)
        #expect(
            policies.byCollection == ["a": .serverWins, "b": .lastWriteWins, "x=y": .merge])
        #expect(try parse([]).service.policies == ServerPolicies())
        #expect(ServerPolicies(policies.announced) == policies)
    }

    @Test(arguments: ["Merge", "", "c=", "c=none", "=merge", "_local=merge", "a,b"])
    func aPolicyThatIsNoneSaysWhatToWriteInstead(value: String) {
        let error = #expect(throws: UsageError.self) { try parse(["--policy", value]) }

        #expect(error?.description.contains("--policy must") == true)
    }

    @Test(arguments: [
        (["--prot", "1"], "Did you mean --port?"), (["--max-push-op", "1"], "--max-push-ops"),
        (["--zzzzzzzz"], "There is no flag --zzzzzzzz."), (["--port"], "needs a value"),
        (["--port", "70000"], "from 0 to 65535"), (["--port", "x"], "whole number"),
        (["--insecure-open=1"], "takes no value"), (["data"], "not a flag"),
        (["--data", ""], "must not be empty"), (["--max-push-ops", "0"], "from 1 to"),
    ])
    func aWrongFlagSaysWhatToWriteInstead(arguments: [String], hint: String) {
        let error = #expect(throws: UsageError.self) { try parse(arguments) }

        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }

    @Test func aWrongVariableIsNamed() {
        let error = #expect(throws: UsageError.self) { try parse([], ["ENTITYSYNC_PORT": "x"]) }

        #expect(error?.description.contains("ENTITYSYNC_PORT") == true)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("localhost", true), ("::1", true),
        ("0.0.0.0", false), ("::", false), ("10.0.0.1", false), ("127.0.0.1.example", false),
        ("1270.0.1", false), ("example", false),
    ])
    func onlyTheLoopbackIsServedWithoutAuthentication(host: String, isTaken: Bool) throws {
        let settings = try parse(["--data", "d", "--host", host])

        if isTaken {
            try settings.check()
        } else {
            let error = #expect(throws: UsageError.self) { try settings.check() }
            #expect(error?.description.contains("--insecure-open") == true)
            try parse(["--data", "d", "--host", host, "--insecure-open"]).check()
        }
    }

    @Test(arguments: ["--tls-cert", "--tls-key"])
    func aCertificateAndItsKeyGoTogether(flag: String) throws {
        let error = #expect(throws: UsageError.self) {
            try parse(["--data", "d", flag, "file"]).check()
        }

        #expect(error?.description.contains("--tls-cert and --tls-key go together") == true)
        try parse(["--data", "d", "--tls-cert", "file", "--tls-key", "file"]).check()
    }

    @Test(arguments: [
        (["--host", "0.0.0.0", "--auth", "token"], true), (["--auth", "token"], false),
        (["--host", "0.0.0.0", "--insecure-open"], false),
        (["--host", "0.0.0.0", "--auth", "jwt"], true),
        (["--host", "::", "--auth", "jwt", "--tls-cert", "a", "--tls-key", "b"], false),
    ])
    func tokensThatCanBeReadOnTheirWayAreWarnedOf(flags: [String], isWarned: Bool) throws {
        let warning = try parse(["--data", "d"] + flags).warning

        #expect((warning?.contains("without TLS") ?? false) == isWarned)
    }

    @Test func dataIsRequired() {
        let error = #expect(throws: UsageError.self) { try parse([]).check() }

        #expect(error?.description.contains("--data") == true)
    }

    @Test(arguments: [[], ["sreve"], ["serve", "--nope"], ["serve"], ["help", "nothing"]])
    func aWrongCommandLineEndsWithStatus64(arguments: [String]) {
        #expect(ServerCommand.run(arguments, environment: [:]) == 64)
    }

    @Test func theHelpNamesEveryFlagWithItsDefaultWithinEightyColumns() {
        let help = ServeSettings.options.help(ServeSettings())

        for option in ServeSettings.options.options { #expect(help.contains("--\(option.name)")) }
        #expect(help.contains("[8080]"))
        for line in help.split(separator: "\n") { #expect(line.utf8.count <= 80, "\(line)") }
    }

    @Test func anIPv6HostIsBracketedInTheURL() throws {
        #expect(try parse(["--host", "::1"]).urlHost == "[::1]")
        #expect(try parse(["--host", "localhost"]).urlHost == "localhost")
    }
}
