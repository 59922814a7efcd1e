// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol

/// The command line of `entitysync-server`.
package enum ServerCommand {
    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: The words behind the program's name.
    ///   - environment: The environment variables.
    /// - Returns: The exit status.
    package static func run(_ arguments: [String], environment: [String: String]) -> Int32 {
        do throws(UsageError) {
            return try dispatch(arguments, environment)
        } catch {
            Terminal.error("\(error)\nRun entitysync-server help to see how it is used.")
            return ExitStatus.usage.rawValue
        }
    }

    private static func dispatch(
        _ arguments: [String], _ environment: [String: String]
    ) throws(UsageError) -> Int32 {
        let rest = Array(arguments.dropFirst())
        if let command = MaintenanceCommand.all.first(where: { $0.name == arguments.first }) {
            return try command(rest, environment: environment)
        }
        switch arguments.first {
        case "serve":
            if rest.contains("--help") || rest.contains("-h") {
                Terminal.output(serveHelp)
                return 0
            }
            var settings = ServeSettings()
            try ServeSettings.options.parse(rest, environment: environment, into: &settings)
            try settings.check()
            return serve(settings)
        case "token": return try TokenCommand.run(rest, environment)
        case "device": return try DeviceCommand.run(rest, environment)
        case "help" where rest == ["serve"]: Terminal.output(serveHelp)
        case "help" where rest == ["token"]: Terminal.output(TokenCommand.help)
        case "help" where rest == ["device"]: Terminal.output(DeviceCommand.help)
        case "help" where rest.isEmpty, "--help", "-h": Terminal.output(help)
        case "--version", "version": Terminal.output("entitysync-server \(serverVersion)\n")
        case "help" where rest.count == 1: Terminal.output(try command(rest[0]).help)
        case nil: throw UsageError(description: "Name a command: serve, or help.")
        case "help": throw UsageError(description: "Name one command to help with.")
        case let word?: throw unknown(word)
        }
        return 0
    }

    private static func command(_ name: String) throws(UsageError) -> MaintenanceCommand {
        guard let command = MaintenanceCommand.all.first(where: { $0.name == name }) else {
            throw unknown(name)
        }
        return command
    }

    private static func unknown(_ word: String) -> UsageError {
        let names = ["serve", "token", "device"] + MaintenanceCommand.all.map(\.name)
        let nearest = names.min { editDistance($0, word) < editDistance($1, word) } ?? "serve"
        return UsageError(description: "There is no command \"\(word)\". Did you mean \(nearest)?")
    }

    private static func serve(_ settings: ServeSettings) -> Int32 {
        do throws(ServiceStartError) {
            DescriptorLimit.raise()
            let syncs = SyncTimes { SocketPlatform.monotonicNanoseconds }
            let counts = SocketCounts()
            let startMilliseconds = SystemClock.wallMilliseconds
            let service = try makeService(settings, syncs)
            let authorizer: Authorizer
            do throws(ServiceStartError) {
                authorizer = try Authorizer(
                    settings.access, directory: settings.data,
                    wallMilliseconds: { SystemClock.wallMilliseconds },
                    tell: { Terminal.error($0) })
            } catch {
                service.close()
                throw error
            }
            ReloadSignal.install()
            let server: HTTPServer
            do throws(HTTPServerError) {
                server = try HTTPServer(
                    configuration: settings.httpConfiguration,
                    handler: SyncRoutes(
                        service: service, configuration: routeConfiguration(settings),
                        authorizer: authorizer,
                        metricsSources: {
                            MetricsSources(
                                syncs: syncs, sockets: counts,
                                process: ProcessFigures(startMilliseconds: startMilliseconds))
                        }), counts: counts)
            } catch {
                service.close()
                Terminal.error("\(error)")
                return ExitStatus.damage.rawValue
            }
            server.installStopSignals()
            Terminal.error("listening on http://\(settings.urlHost):\(server.port)")
            server.run()
            return 0
        } catch {
            Terminal.error("\(error)")
            return ExitStatus.damage.rawValue
        }
    }

    private static func makeService(
        _ settings: ServeSettings, _ syncs: SyncTimes
    ) throws(ServiceStartError) -> SyncService<MeasuredFileSystem<POSIXFileSystem>> {
        try SyncService(
            directory: settings.data,
            disk: MeasuredFileSystem(base: POSIXFileSystem(), times: syncs),
            configuration: settings.service,
            clock: ServiceClock(
                wallMilliseconds: { SystemClock.wallMilliseconds },
                monotonicNanoseconds: { SocketPlatform.monotonicNanoseconds }),
            generator: SystemRandomNumberGenerator(), tell: { Terminal.error($0) })
    }

    private static func routeConfiguration(_ settings: ServeSettings) -> RouteConfiguration {
        RouteConfiguration(
            maxMessageDepth: settings.maxMessageDepth,
            maxBodyBytes: Int(settings.service.limits.maxBodyBytes),
            maxConnections: settings.maxConnections,
            requestIDPrefix: String(UInt32.random(in: .min ... .max), radix: 36) + "-")
    }

    private static var help: String {
        let commands = MaintenanceCommand.all.map { command in
            let words = command.required.map { " --\($0.name) \($0.placeholder ?? "")" }.joined()
            let usage = "entitysync-server \(command.name)\(words) …"
            let padding = String(repeating: " ", count: max(1, 53 - usage.count))
            return "  \(usage)\(padding)\(command.summary)\n"
        }
        return """
            entitysync-server: the sync server of EntitySync.

              entitysync-server serve --data DIR [--port PORT] …   serve until SIGTERM or SIGINT
            \(commands.joined())\
              entitysync-server token issue|check …                make a token, or look at one
              entitysync-server device list|revoke|restore …       the devices that may sync
              entitysync-server help COMMAND                       what a command does, its flags
              entitysync-server --version                          the version

            """
    }

    private static var serveHelp: String {
        """
        entitysync-server serve --data DIR [flags]

        Serves the databases in DIR over HTTP until SIGTERM or SIGINT. When it is ready it writes
        one line to standard error: listening on http://HOST:PORT

        Every flag can also be set in the environment: --max-push-ops as ENTITYSYNC_MAX_PUSH_OPS,
        flags without a value by 1 or 0. A flag wins over the environment.

        --policy NAME is for all collections, --policy COLLECTION=NAME for one of them; in the
        environment several stand with commas between them. NAME is one of
        \(ServerPolicy.allCases.map(\.rawValue).joined(separator: ", ")).

        \(ServeSettings.options.help(ServeSettings()))
        """
    }
}
