// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol

/// What `serve` was told.
struct ServeSettings {
    /// The file of settings.
    var configurationFile = ""
    /// Whether to check the settings, or to print them, and to serve nothing.
    var isCheckOnly = false
    var isPrintOnly = false
    var data = ""
    var host = "127.0.0.1"
    var port: UInt16 = 8080
    /// The files in PEM of the certificate and its key; both are empty where plain HTTP is served.
    var tlsCertificate = ""
    var tlsKey = ""
    var isInsecureOpen = false
    var origins = OriginRules()
    var access = AccessSettings()
    var service: ServiceConfiguration = {
        var configuration = ServiceConfiguration()
        configuration.zeroFillBytes = 256 << 10
        return configuration
    }()
    var maxMessageDepth = SyncProtocol.messageMaxDepth
    var maxHeaderBytes = HTTPLimits().maxHeadBytes
    var maxHeaders = HTTPLimits().maxHeaderCount
    var headerTimeoutSeconds = 10
    var bodyTimeoutSeconds = 30
    var idleTimeoutSeconds = 75
    var shutdownGraceMilliseconds: UInt64 = 10_000
    var maxConnections = 10_000
    var maxUnsentBytes = 1 << 20

    /// The flags of `serve`.
    static var options: OptionTable<ServeSettings> {
        OptionTable(
            options: [
                .text("config", "FILE", "a file of settings: name = value", \.configurationFile),
                .flag("check-config", "check the settings and end", \.isCheckOnly),
                .flag("print-config", "print the settings that hold and end", \.isPrintOnly),
            ] + settingOptions.options)
    }

    /// The settings that may stand in a file too.
    static var settingOptions: OptionTable<ServeSettings> {
        OptionTable(options: general + limits)
    }

    private static var general: [CommandOption<ServeSettings>] {
        [
            .text("data", "DIR", "where the databases are; required", \.data),
            .text("host", "ADDRESS", "the address to listen on", \.host),
            .integer(
                "port", "PORT", "the port to listen on; 0 takes a free one", in: 0...65_535,
                \.port),
            .text("tls-cert", "FILE", "serve https: the certificate, in PEM", \.tlsCertificate),
            .text("tls-key", "FILE", "the key of --tls-cert, in PEM", \.tlsKey),
            .flag(
                "insecure-open",
                "let other machines in, without authentication", \.isInsecureOpen),
            .auth(\.access.mode),
        ] + CommandOption.tokens(\.access) + [
            .origins("cors-origin", "web pages that may ask, or *; may be repeated", \.origins),
            .policy("policy", "who wins a conflict; may be repeated", \.service.policies),
        ]
    }

    private static var limits: [CommandOption<ServeSettings>] {
        [
            .integer(
                "max-push-ops", "N", "operations in a push of many transactions",
                in: 1...1_000_000, \.service.limits.maxPushOperations),
            .integer(
                "max-transaction-ops", "N", "operations in a push of one transaction",
                in: 1...1_000_000, \.service.limits.maxTransactionOperations),
            .integer(
                "max-pull-ops", "N", "operations in a page of a pull", in: 1...1_000_000,
                \.service.limits.maxPullOperations),
            .integer(
                "max-page-bytes", "BYTES", "bytes of operations in a page of a pull",
                in: 1_024...(64 << 20), \.service.limits.maxPageBytes),
            .integer(
                "max-body-bytes", "BYTES", "bytes of a request's body", in: 1_024...(64 << 20),
                \.service.limits.maxBodyBytes),
            .integer(
                "max-entity-bytes", "BYTES", "bytes of one entity", in: 1...(64 << 20),
                \.service.limits.maxEntityBytes),
            .integer(
                "max-message-depth", "N", "nesting of a message", in: 6...1_024, \.maxMessageDepth),
            .integer(
                "max-entity-depth", "N", "nesting of an entity",
                in: 1...SyncOperation.entityMaxDepth, \.service.maxEntityDepth),
            .integer(
                "max-databases", "N", "databases of the server", in: 1...1_000_000,
                \.service.maxDatabases),
            .integer(
                "max-devices", "N", "devices in a database", in: 1...10_000_000,
                \.service.maxDevices),
            .integer(
                "max-segment-bytes", "BYTES", "length at which the log starts a file",
                in: 1_024...(1 << 40), \.service.segmentBytesMax),
            .compactAfter(\.service.retention), .retentionDays(\.service.retention),
            .staleDays(\.service.retention),
            .integer(
                "max-header-bytes", "BYTES", "bytes of request line and headers",
                in: 1_024...(1 << 20), \.maxHeaderBytes),
            .integer("max-headers", "N", "number of headers", in: 8...10_000, \.maxHeaders),
            .seconds("header-timeout", "time to send all headers", \.headerTimeoutSeconds),
            .seconds(
                "body-timeout", "time to send a body, or 16 KiB/s",
                \.bodyTimeoutSeconds),
            .seconds("idle-timeout", "how long an idle connection is kept", \.idleTimeoutSeconds),
            .time(
                "shutdown-grace", "how long requests may take after SIGTERM",
                \.shutdownGraceMilliseconds),
            .integer(
                "max-connections", "N", "connections at a time", in: 1...1_000_000, \.maxConnections
            ),
            .integer(
                "max-unsent-bytes", "BYTES", "unsent bytes of a connection",
                in: 1_024...(1 << 30), \.maxUnsentBytes),
        ]
    }

    /// Puts together what file, environment and flags say; a flag wins over the environment, and
    /// that over the file.
    static func parse(
        _ arguments: [String], environment: [String: String], on disk: some FileSystem
    ) throws(UsageError) -> (settings: ServeSettings, applied: AppliedSettings) {
        var settings = ServeSettings()
        try options.parse(arguments, environment: environment, into: &settings)
        var applied = AppliedSettings()
        let path = settings.configurationFile
        settings = ServeSettings()
        if !path.isEmpty {
            let file = try ConfigurationFile(path: path, on: disk)
            try settingOptions.parse(file, into: &settings, noting: &applied)
        }
        try options.parse(
            arguments, environment: environment, into: &settings, noting: &applied)
        return (settings, applied)
    }

    /// Checks what no single flag can.
    func check() throws(UsageError) {
        if data.isEmpty {
            throw UsageError(
                description: "Name the directory for the databases: --data DIR, or "
                    + "ENTITYSYNC_DATA.")
        }
        if tlsCertificate.isEmpty != tlsKey.isEmpty {
            throw UsageError(
                description: "--tls-cert and --tls-key go together: a certificate is of no use "
                    + "without its key, nor a key without its certificate.")
        }
        if let fault = access.fault { throw UsageError(description: fault) }
        guard isLoopback || isInsecureOpen || access.mode != .none else {
            throw UsageError(
                description: "--host \(host) can be reached from other machines, and with --auth "
                    + "none whoever reaches the server can read and write every database. Ask for "
                    + "tokens with --auth token or --auth jwt, listen on 127.0.0.1, or accept that "
                    + "with --insecure-open.")
        }
    }

    /// Whether only this machine reaches the host.
    private var isLoopback: Bool { isLoopbackHost(host) }

    /// What to say about settings that are taken, but read tokens aloud.
    var warning: String? {
        guard !isLoopback, access.mode != .none, tlsCertificate.isEmpty else { return nil }
        return
            "Warning: --host \(host) can be reached from other machines, and without TLS whoever "
            + "listens on the way reads the tokens. Set --tls-cert and --tls-key, or see that a "
            + "proxy in front has TLS."
    }

    /// The host as it stands in a URL.
    var urlHost: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    var httpConfiguration: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration(
            host: host, port: port,
            limits: HTTPLimits(
                maxHeadBytes: maxHeaderBytes, maxHeaderCount: maxHeaders,
                maxBodyBytes: Int(service.limits.maxBodyBytes)))
        configuration.headerTimeout = .seconds(headerTimeoutSeconds)
        configuration.bodyTimeout = .seconds(bodyTimeoutSeconds)
        configuration.idleTimeout = .seconds(idleTimeoutSeconds)
        configuration.shutdownGrace = .milliseconds(shutdownGraceMilliseconds)
        configuration.maxConnections = maxConnections
        configuration.maxUnsentBytes = maxUnsentBytes
        return configuration
    }
}

/// Whether a host is this machine, which nobody else reaches or can stand in for.
func isLoopbackHost(_ host: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(host) { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
}
