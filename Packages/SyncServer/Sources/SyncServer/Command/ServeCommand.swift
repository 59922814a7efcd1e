// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire
import RecordLog
import SyncProtocol

/// `entitysync-server serve`.
enum ServeCommand {
    static func run(
        _ arguments: [String], _ environment: [String: String]
    ) throws(UsageError) -> Int32 {
        if arguments.contains("--help") || arguments.contains("-h") {
            Terminal.output(help)
            return 0
        }
        let (settings, applied) = try ServeSettings.parse(
            arguments, environment: environment, on: POSIXFileSystem())
        if settings.isPrintOnly {
            Terminal.output(applied.text(ServeSettings.settingOptions.options, ServeSettings()))
            return 0
        }
        try settings.check()
        do throws(ServiceStartError) {
            let authorizer = try makeAuthorizer(settings)
            let certificate = try makeCertificate(settings)
            if settings.isCheckOnly {
                Terminal.output("The settings are sound.\n")
                return 0
            }
            try serve(settings, authorizer, certificate)
            return 0
        } catch {
            Terminal.error("\(error)")
            return ExitStatus.damage.rawValue
        }
    }

    private static func serve(
        _ settings: ServeSettings, _ authorizer: Authorizer, _ certificate: ServerCertificate?
    ) throws(ServiceStartError) {
        if let warning = settings.warning { Terminal.error(warning) }
        DescriptorLimit.raise()
        let syncs = SyncTimes { SocketPlatform.monotonicNanoseconds }
        let counts = SocketCounts()
        let startMilliseconds = SystemClock.wallMilliseconds
        let service = try makeService(settings, syncs)
        ReloadSignal.install()
        let routes = SyncRoutes(
            service: service, configuration: routeConfiguration(settings), authorizer: authorizer,
            metricsSources: {
                MetricsSources(
                    syncs: syncs, sockets: counts,
                    process: ProcessFigures(startMilliseconds: startMilliseconds))
            })
        let server: HTTPServer
        do throws(HTTPServerError) {
            server = try HTTPServer(
                configuration: settings.httpConfiguration, certificate: certificate,
                handler: routes, counts: counts)
        } catch {
            service.close()
            throw ServiceStartError(description: "\(error)")
        }
        server.installStopSignals()
        let scheme = certificate == nil ? "http" : "https"
        Terminal.error("listening on \(scheme)://\(settings.urlHost):\(server.port)")
        server.run()
    }

    private static func makeAuthorizer(
        _ settings: ServeSettings
    ) throws(ServiceStartError) -> Authorizer {
        try Authorizer(
            settings.access, directory: settings.data,
            wallMilliseconds: { SystemClock.wallMilliseconds }, tell: { Terminal.error($0) })
    }

    private static func makeCertificate(
        _ settings: ServeSettings
    ) throws(ServiceStartError) -> ServerCertificate? {
        guard !settings.tlsCertificate.isEmpty else { return nil }
        do throws(TLSError) {
            return try ServerCertificate(
                settings.tlsCertificate, key: settings.tlsKey, tell: { Terminal.error($0) })
        } catch {
            throw ServiceStartError(description: "\(error)")
        }
    }

    private static func makeService(
        _ settings: ServeSettings, _ syncs: SyncTimes
    ) throws(ServiceStartError) -> SyncService<MeasuredFileSystem<POSIXFileSystem>> {
        var configuration = settings.service
        configuration.maxUnsentBytes = settings.maxUnsentBytes
        return try SyncService(
            directory: settings.data,
            disk: MeasuredFileSystem(base: POSIXFileSystem(), times: syncs),
            configuration: configuration,
            clock: ServiceClock(
                wallMilliseconds: { SystemClock.wallMilliseconds },
                monotonicNanoseconds: { SocketPlatform.monotonicNanoseconds }),
            generator: SystemRandomNumberGenerator(), tell: { Terminal.error($0) })
    }

    private static func routeConfiguration(_ settings: ServeSettings) -> RouteConfiguration {
        RouteConfiguration(
            maxMessageDepth: settings.maxMessageDepth,
            maxBodyBytes: Int(settings.service.limits.maxBodyBytes),
            maxConnections: settings.maxConnections, origins: settings.origins,
            requestIDPrefix: String(UInt32.random(in: .min ... .max), radix: 36) + "-")
    }

    static var help: String {
        """
        entitysync-server serve --data DIR [flags]

        Serves the databases in DIR over HTTP, or over HTTPS with --tls-cert and --tls-key, until
        SIGTERM or SIGINT. When it is ready it writes one line to standard error:
        listening on http://HOST:PORT

        Every flag can also be set in the environment: --max-push-ops as ENTITYSYNC_MAX_PUSH_OPS,
        flags without a value by 1 or 0. Or in the file of --config, on lines such as
        max-push-ops = 500; lines that begin with # are comments. A flag wins over the environment,
        and that over the file. --print-config says what holds, and why. No setting is a secret:
        secrets stand in files of their own, which settings name.

        --policy NAME is for all collections, --policy COLLECTION=NAME for one of them; in the
        environment several stand with commas between them. NAME is one of
        \(ServerPolicy.allCases.map(\.rawValue).joined(separator: ", ")).

        \(ServeSettings.options.help(ServeSettings()))
        """
    }
}
