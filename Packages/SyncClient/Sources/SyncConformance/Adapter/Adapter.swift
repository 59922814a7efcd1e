// SPDX-License-Identifier: MIT

import CBOR
import Synchronization

/// A program that stands between a suite and the implementation that is judged.
///
/// It reads requests from standard input and writes answers to standard output, one JSON object on
/// a line each, in the order of the requests; `doc/conformance-adapters.md` has the contract. If it
/// ends, hangs or talks nonsense, the check at hand fails, and the next one gets a new process.
public final class Adapter: Sendable {
    /// The contract that `hello` names.
    static let version = 1
    /// How long the answer to `hello` may take at least: some programs take long to start.
    private static let startTime = Duration.seconds(20)
    /// After so many answers that did not come, nothing more is asked.
    private static let silencesMax = 3

    private struct State {
        var process: AdapterProcess?
        var number = 0
        var silences = 0
    }

    /// How a line comes to be answered.
    private enum Source: Sendable {
        case program([String])
        case closure(@Sendable (_ request: CBORMap) throws(ConformanceFailure) -> [UInt8])
    }

    /// What a test changes on the way to the program and back; it shows that lies are found.
    struct Lie: Sendable {
        var request: @Sendable (inout [(name: String, value: String)]) -> Void = { _ in }
        var answer: @Sendable (_ action: String, inout CBORMap) -> Void = { _, _ in }
    }

    private let source: Source
    private let suite: String
    private let timeout: Duration
    private let lie: Lie?
    private let state = Mutex(State())

    /// Makes it; nothing is started.
    ///
    /// - Parameters:
    ///   - words: The program, found along `PATH`, and its arguments; not empty.
    ///   - suite: What `hello` says that it is for.
    ///   - timeout: How long an answer may take.
    public convenience init(_ words: [String], suite: String, timeout: Duration) {
        self.init(words, suite: suite, timeout: timeout, lie: nil)
    }

    init(_ words: [String], suite: String, timeout: Duration, lie: Lie?) {
        source = .program(words)
        self.suite = suite
        self.timeout = timeout
        self.lie = lie
    }

    /// An adapter without a process: `answer` gives the line that answers a request.
    init(
        _ answer: @escaping @Sendable (_ request: CBORMap) throws(ConformanceFailure) -> [UInt8]
    ) {
        source = .closure(answer)
        suite = "test"
        timeout = .zero
        lie = nil
    }

    /// Starts the program and greets it.
    ///
    /// - Throws: `ConformanceUnreachable` if it does not start or does not know the contract.
    public func start() throws(ConformanceUnreachable) {
        try state.withLock { state throws(ConformanceUnreachable) in try start(&state) }
    }

    /// Asks something that has to be answered with `ok` or `skip`.
    ///
    /// - Parameter members: The request without its number, as JSON values.
    /// - Throws: `ConformanceFailure` if the adapter fails, `ConformanceSkip` if it cannot do it.
    func ask(_ members: [(name: String, value: String)]) throws -> AdapterAnswer {
        let answer = try state.withLock { state throws(ConformanceFailure) in
            guard state.silences < Self.silencesMax else {
                throw ConformanceFailure(
                    "The adapter was given up: \(Self.silencesMax) of its answers never came.")
            }
            do throws(ConformanceUnreachable) {
                if case .program = source, state.process == nil { try start(&state) }
            } catch {
                throw ConformanceFailure("The adapter does not start again. \(error)")
            }
            do throws(ConformanceFailure) {
                return try exchange(members, &state, within: timeout)
            } catch {
                if AdapterSilence.isMeant(by: error) { state.silences += 1 }
                // What else it may say belongs to no request.
                state.process = nil
                throw error
            }
        }
        if let reason = answer.text("skip") { throw ConformanceSkip(reason) }
        guard answer.bool("ok") != nil else {
            throw answer.failure("The answer has neither ok nor skip.")
        }
        return answer
    }

    /// Asks something and kills the program while it is at it, at the latest when the time for an
    /// answer is over; a new one starts when something is asked next.
    ///
    /// - Returns: Whether it was killed before it answered.
    func ask(
        _ members: [(name: String, value: String)], killingWhen isTime: @Sendable () -> Bool
    ) throws -> Bool {
        try state.withLock { state throws(ConformanceFailure) in
            do throws(ConformanceUnreachable) {
                if state.process == nil { try start(&state) }
            } catch {
                throw ConformanceFailure("The adapter does not start again. \(error)")
            }
            state.number += 1
            let request = JSONText.object([("n", "\(state.number)")] + members)
            defer { state.process = nil }
            do throws(ConformanceFailure) {
                _ = try state.process?.exchange(
                    Array(request.utf8), within: timeout, endingWhen: isTime)
                return false
            } catch {
                return true
            }
        }
    }

    /// Ends the program, if it runs.
    func stop() {
        state.withLock { state in
            state.process?.end(afterMilliseconds: 1_000)
            state.process = nil
        }
    }

    private func start(_ state: inout State) throws(ConformanceUnreachable) {
        guard case .program(let words) = source else { return }
        state.process = try AdapterProcess(words)
        state.number = 0
        let hello = [
            ("do", JSONText.quoted("hello")), ("suite", JSONText.quoted(suite)),
            ("version", "\(Self.version)"),
        ]
        do throws(ConformanceFailure) {
            let answer = try exchange(hello, &state, within: max(timeout, Self.startTime))
            guard answer.bool("ok") == true else {
                throw answer.failure("It does not say ok to hello.")
            }
        } catch {
            state.process = nil
            throw ConformanceUnreachable(
                "\(words.joined(separator: " ")) is no adapter. \(error)\n"
                    + "doc/conformance-adapters.md says what one has to do.")
        }
    }

    private func exchange(
        _ members: [(name: String, value: String)], _ state: inout State, within limit: Duration
    ) throws(ConformanceFailure) -> AdapterAnswer {
        state.number += 1
        var members = members
        let action = members.first?.value ?? ""
        lie?.request(&members)
        let request = JSONText.object([("n", "\(state.number)")] + members)
        let line = try line(answering: Array(request.utf8), state, within: limit)
        var answer: AdapterAnswer
        do throws(ConformanceFailure) {
            answer = try AdapterAnswer(line)
            lie?.answer(action, &answer.members)
            guard answer.unsigned("n") == UInt64(state.number) else {
                let came = answer.unsigned("n").map { "is to request \($0)" } ?? "has no number n"
                throw answer.failure("The answer \(came), and request \(state.number) was asked.")
            }
        } catch {
            throw error.adding("request", AdapterProcess.shown(Array(request.utf8)))
        }
        return answer
    }

    private func line(
        answering request: [UInt8], _ state: State, within limit: Duration
    ) throws(ConformanceFailure) -> [UInt8] {
        switch source {
        case .closure(let answer):
            try answer(AdapterAnswer(request).members)
        case .program:
            try state.process?.exchange(request, within: limit) ?? []
        }
    }
}

/// What an adapter answered.
struct AdapterAnswer: Sendable {
    /// JSON as CBOR has it: objects are maps with text keys, numbers with a fraction are floats.
    fileprivate(set) var members: CBORMap
    private let line: [UInt8]

    /// Reads a line that is one JSON object, no member twice.
    init(_ line: [UInt8]) throws(ConformanceFailure) {
        self.line = line
        guard case .map(let members) = JSONText.value(of: line) else {
            throw ConformanceFailure("The adapter's line is no JSON object.")
                .adding("line", AdapterProcess.shown(line))
        }
        self.members = members
    }

    subscript(name: String) -> CBORValue? { members[key: .text(name)] }

    func text(_ name: String) -> String? {
        if case .text(let text) = self[name] { text } else { nil }
    }

    func bool(_ name: String) -> Bool? {
        if case .bool(let bool) = self[name] { bool } else { nil }
    }

    func unsigned(_ name: String) -> UInt64? {
        if case .unsigned(let number) = self[name] { number } else { nil }
    }

    /// A failure that shows the answer.
    func failure(_ message: String) -> ConformanceFailure {
        ConformanceFailure(message).adding("answer", AdapterProcess.shown(line))
    }
}
