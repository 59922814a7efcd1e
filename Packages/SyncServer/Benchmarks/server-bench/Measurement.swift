// SPDX-License-Identifier: MIT

import Foundation

/// One number that a row has for a system in a round, with what stands beside it.
struct Sample: Codable {
    /// Operations per second, bytes or seconds, as the row says.
    var value: Double
    var p50Milliseconds: Double?
    var p99Milliseconds: Double?
    /// The server's processor time for an operation, in microseconds.
    var serverMicroseconds: Double?
    /// The part of the time that this program computed.
    var loadShare: Double?
}

/// All that was measured: for each row and system, its rounds.
struct Results {
    private(set) var samples: [String: [String: [Sample]]] = [:]
    /// Why a system has no number in any row.
    var missing: [String: String] = [:]
    var remarks: [String: String] = [:]

    mutating func add(_ sample: Sample, row: String, of system: String) {
        samples[row, default: [:]][system, default: []].append(sample)
    }

    /// The medians of all rounds, each number for itself; `nil` if there was no round.
    func median(_ row: String, of system: String) -> Sample? {
        guard let all = samples[row]?[system], !all.isEmpty else { return nil }
        func middle(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.sorted()[values.count / 2]
        }
        return Sample(
            value: middle(all.map(\.value)) ?? 0,
            p50Milliseconds: middle(all.compactMap(\.p50Milliseconds)),
            p99Milliseconds: middle(all.compactMap(\.p99Milliseconds)),
            serverMicroseconds: middle(all.compactMap(\.serverMicroseconds)),
            loadShare: middle(all.compactMap(\.loadShare)))
    }

    var medians: [String: [String: Sample]] {
        samples.reduce(into: [:]) { medians, row in
            for system in row.value.keys {
                medians[row.key, default: [:]][system] = median(row.key, of: system)
            }
        }
    }
}

/// Runs rows, and tells on standard error how far it is.
struct Bench {
    let options: Options
    let systems: [any System]
    var results = Results()

    static let pushClients = [1, 16, 64]

    func tell(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }

    /// Runs clients of a system, and adds what that came to.
    mutating func measure(
        _ row: String, _ system: any System, _ clients: [Client], seconds: Double
    ) throws {
        let before = system.process?.processorSeconds ?? 0
        let outcome = try Load.run(clients, seconds: seconds)
        let spent = (system.process?.processorSeconds ?? 0) - before
        let sample = Sample(
            value: outcome.rate, p50Milliseconds: outcome.latency(0.5),
            p99Milliseconds: outcome.latency(0.99),
            serverMicroseconds: spent * 1e6 / Double(max(outcome.operations, 1)),
            loadShare: outcome.ownShare)
        results.add(sample, row: row, of: system.name)
        tell(
            String(
                format: "%@ %@: %.0f/s, p50 %.2f ms, p99 %.2f ms, server %.2f us, load %.0f %%",
                row, system.name, outcome.rate, outcome.latency(0.5), outcome.latency(0.99),
                sample.serverMicroseconds ?? 0, outcome.ownShare * 100))
    }

    /// Runs `body` for every system that still takes part; one that fails is left out from then on.
    mutating func forEach(
        _ body: (inout Bench, any System) throws -> Void
    ) {
        for system in systems where results.missing[system.name] == nil {
            do {
                try body(&self, system)
            } catch {
                results.missing[system.name] = "\(error)"
                tell("\(system.name) is left out: \(error)")
                system.stop(SIGKILL)
            }
        }
    }
}
