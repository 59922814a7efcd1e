// SPDX-License-Identifier: MIT

/// What is tried on any bytes whatever: a piece of code that takes input from the outside, with the
/// rules that must hold of whatever it makes of it.
///
/// The same functions run under libFuzzer and in the tests.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// `CBORReader` and `CBORWellFormedness`.
    case reader
    /// `CBORValue`.
    case tree
    /// `CBORDecoder` and `CBOREncoder`.
    case codable
    /// Every message of the protocol, owned and borrowed.
    case messages
    /// `CBORDiagnostic`, from bytes and from text.
    case diagnostic
    /// `DeltaPatch`: applying, and finding differences.
    case delta
    /// `HTTPRequestParser` and `HTTPResponseParser`.
    case http
    /// `WebSocketParser`, for both ends.
    case webSocket
    /// `ServerSentEventParser`.
    case eventStream

    /// Tries the bytes.
    ///
    /// - Throws: `FuzzFailure` if a rule does not hold. A trap is a failure, too.
    public func run(_ bytes: [UInt8]) throws(FuzzFailure) {
        switch self {
        case .reader: try ReaderRules.check(bytes)
        case .tree: try TreeRules.check(bytes)
        case .codable: try CodableRules.check(bytes)
        case .messages: try MessageRules.check(bytes)
        case .diagnostic: try DiagnosticRules.check(bytes)
        case .delta: try DeltaRules.check(bytes)
        case .http: try HTTPRules.check(bytes)
        case .webSocket: try WebSocketRules.check(bytes)
        case .eventStream: try EventStreamRules.check(bytes)
        }
    }
}

/// A rule that does not hold of some bytes.
public struct FuzzFailure: Error, CustomStringConvertible {
    /// The rule, as a sentence.
    public let rule: String
    /// What was seen instead.
    public let found: String

    public var description: String { "\(rule) Found: \(found)" }

    init(_ rule: String, found: String) {
        self.rule = rule
        self.found = found
    }
}

/// Throws unless `holds`.
func demand(
    _ holds: Bool, _ rule: @autoclosure () -> String, found: @autoclosure () -> String = "otherwise"
) throws(FuzzFailure) {
    guard holds else { throw FuzzFailure(rule(), found: found()) }
}

/// Throws unless both are the same.
func demandSame<T: Equatable>(
    _ found: T, _ expected: T, _ rule: @autoclosure () -> String
) throws(FuzzFailure) {
    guard found == expected else {
        throw FuzzFailure(rule(), found: "\(found) instead of \(expected)")
    }
}
