// SPDX-License-Identifier: MIT

import SyncTestSupport
import Synchronization

/// Runs the jobs of tasks that prefer it on the thread that calls `run`, one at a time, in an order
/// that a seed decides.
final class SeededExecutor: TaskExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        var generator: SeededGenerator
        var isRunning = false
        var escapes = 0
        var jobs = 0
    }

    private let state: Mutex<State>

    init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// How many jobs came while nobody ran any: from a thread that is not this executor's.
    var escapes: Int { state.withLock { $0.escapes } }
    /// How many jobs were run.
    var jobCount: Int { state.withLock { $0.jobs } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { state in
            if !state.isRunning { state.escapes += 1 }
            state.ready.append(job)
        }
    }

    /// Starts `body` and runs everything that comes of it.
    ///
    /// - Returns: Whether `body` came to its end.
    func run(_ body: @escaping @Sendable () async -> Void) -> Bool {
        let done = Flag()
        state.withLock { $0.isRunning = true }
        Task(executorPreference: self) {
            await body()
            done.set()
        }
        while let job = next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
        state.withLock { $0.isRunning = false }
        return done.isSet
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            state.jobs += 1
            let index = Int.random(in: state.ready.indices, using: &state.generator)
            state.ready.swapAt(index, state.ready.endIndex - 1)
            return state.ready.removeLast()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }
}

/// What went wrong in tasks that run elsewhere.
final class Outcome: Sendable {
    private let errors = Mutex<[String]>([])
    var failures: [String] { errors.withLock { $0 } }
    func note(_ error: any Error) { errors.withLock { $0.append("\(error)") } }
}

/// Contents that a task found.
final class Contents: Sendable {
    private let found = Mutex<[String: [UInt64]]>([:])
    var value: [String: [UInt64]] { found.withLock { $0 } }
    func set(_ contents: [String: [UInt64]]) { found.withLock { $0 = contents } }
}
