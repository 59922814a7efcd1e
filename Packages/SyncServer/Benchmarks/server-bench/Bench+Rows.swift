// SPDX-License-Identifier: MIT

import Foundation

extension Bench {
    /// Everything: what is pulled and opened, and then the pushes.
    mutating func run() {
        forEach { _, system in
            try system.install(isDurable: false)
            try system.start()
        }
        fill()
        // Once, while nothing was tidied up since the last push.
        open("open-killed", SIGKILL)
        pull()
        for _ in 0..<options.rounds { open("open-stopped", SIGTERM) }
        forEach { _, system in
            system.stop(SIGTERM)
            try system.install(isDurable: true)
            try system.start()
        }
        push()
        for system in systems {
            results.remarks[system.name] = system.remark
            system.stop(SIGTERM)
        }
    }

    private static let place = "filled"

    /// Gives each system all operations, and looks at the memory that it then has.
    mutating func fill() {
        let shape = PushShape(clients: 10, batch: 1_000, operationsMax: options.operations)
        forEach { bench, system in
            let clients = try system.pushers(shape, place: Self.place)
            let outcome = try Load.run(clients, seconds: 600, isWhole: true)
            guard outcome.operations == shape.operations else {
                throw Failure("It took more than ten minutes to fill it.")
            }
            let bytes = Double(system.process?.residentBytes ?? 0)
            bench.results.add(Sample(value: bytes), row: "memory", of: system.name)
            let memory = Text.value(bytes, row: "memory")
            bench.tell("\(system.name) has \(outcome.operations) operations in \(memory)")
        }
    }

    mutating func pull(only: PullKind? = nil) {
        for _ in 0..<options.rounds {
            for kind in PullKind.allCases where only == nil || kind == only {
                forEach { bench, system in
                    guard let client = try system.puller(kind, place: Self.place) else { return }
                    try bench.measure(kind.rawValue, system, [client], seconds: 60)
                }
            }
        }
    }

    /// How long a system takes until it serves its data again, stopped in one of two ways.
    mutating func open(_ row: String, _ signal: CInt) {
        forEach { bench, system in
            system.stop(signal)
            let start = Platform.nanoseconds
            try system.start()
            let seconds = Double(Platform.nanoseconds - start) / 1e9
            bench.results.add(Sample(value: seconds), row: row, of: system.name)
            bench.tell("\(row) \(system.name): \(Text.number(seconds)) s")
        }
    }

    mutating func push(only: String? = nil) {
        for round in 0..<options.rounds {
            measureDisk()
            for (batch, most) in [(100, 300_000), (1, 100_000)] {
                for clients in Self.pushClients {
                    let shape = PushShape(clients: clients, batch: batch, operationsMax: most)
                    guard only == nil || only == shape.name else { continue }
                    let place = "p\(batch)x\(clients)x\(round)"
                    forEach { bench, system in
                        try bench.measure(
                            shape.name, system, system.pushers(shape, place: place),
                            seconds: Double(bench.options.milliseconds) / 1e3)
                        try system.forget(place: place)
                    }
                }
            }
        }
    }

    private mutating func measureDisk() {
        do {
            let sample = try Disk(folder: options.folder).measure(seconds: 0.3)
            results.add(sample, row: Disk.row, of: Disk.name)
            tell("\(Disk.row): \(Text.value(sample.value, row: Disk.row))")
        } catch {
            results.missing[Disk.name] = "\(error)"
        }
    }

    /// One row.
    mutating func run(row: String) {
        forEach { _, system in
            try system.install(isDurable: true)
            try system.start()
        }
        if let kind = PullKind(rawValue: row) {
            fill()
            pull(only: kind)
        } else {
            push(only: row)
        }
        for system in systems { system.stop(SIGTERM) }
    }
}
