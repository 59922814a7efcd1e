// SPDX-License-Identifier: MIT

import Foundation

extension Bench {
    /// How long it takes until all of so many subscribers have been told, and what each costs
    /// while it is told nothing.
    mutating func runFanOut(_ subscribers: Int) {
        let fanOut = FanOut(subscribers: subscribers, publications: 100)
        forEach { _, system in
            try system.install(isDurable: false)
            try system.start()
        }
        for round in 0..<options.rounds {
            forEach { bench, system in
                for broadcast in Self.broadcasts(of: system, place: "fan\(round)") {
                    bench.tell(broadcast.name, try fanOut.run(broadcast))
                }
            }
        }
        for system in systems { system.stop(SIGTERM) }
    }

    private static func broadcasts(of system: any System, place: String) -> [any Broadcast] {
        switch system {
        case let own as OwnServer:
            [
                OwnServer.Telephone(server: own, telling: .events, place: place + "e"),
                OwnServer.Telephone(server: own, telling: .messages, place: place + "w"),
            ]
        case let redis as RedisServer: [RedisBroadcast(server: redis, place: place)]
        case let nats as NATSServer: [NATSBroadcast(server: nats, place: place)]
        default: []
        }
    }

    private func tell(_ name: String, _ figures: FanOut.Figures) {
        print(
            String(
                format: "%@: p50 %.2f ms, p99 %.2f ms, last %.1f ms (median) %.1f ms (most), "
                    + "%.1f KiB each, server %.2f us each, load %.0f %%",
                name, figures.milliseconds(0.5, of: figures.latencies),
                figures.milliseconds(0.99, of: figures.latencies),
                figures.milliseconds(0.5, of: figures.last),
                figures.milliseconds(1, of: figures.last), figures.idleBytes / 1_024,
                figures.serverMicroseconds, figures.ownShare * 100))
    }
}
