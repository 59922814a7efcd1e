// SPDX-License-Identifier: MIT

import Foundation

// Our server next to others, in one run on the same disk: each round measures every system, one
// after the other, so that what else the machine does strikes all of them.
do {
    let options = try Options(CommandLine.arguments.dropFirst())
    signal(SIGPIPE, SIG_IGN)
    var systems: [any System] = [
        OwnServer(program: options.server, folder: options.folder + "/own")
    ]
    if options.peers["Redis"] != nil {
        systems.append(RedisServer(folder: options.folder + "/redis"))
    }
    if options.peers["PostgreSQL"] != nil, let programs = options.postgres {
        systems.append(PostgresServer(programs: programs, folder: options.folder + "/postgres"))
    }
    if options.peers["NATS"] != nil {
        systems.append(NATSServer(folder: options.folder + "/nats"))
    }
    var bench = Bench(options: options, systems: systems)
    if let subscribers = options.fanOut {
        bench.runFanOut(subscribers)
        exit(0)
    }
    if let row = options.row { bench.run(row: row) } else { bench.run() }
    let report = Report(bench.results, options, systems: systems.map(\.name))
    print(options.isJSON ? report.json : report.table)
    if let directory = options.document { try report.write(to: directory) }
    if bench.results.missing["EntitySync"] != nil { exit(1) }
} catch {
    FileHandle.standardError.write(Data("server-bench: \(error)\n".utf8))
    exit(error is Options.Fault ? 64 : 1)
}
