// SPDX-License-Identifier: MIT

import CBOR

/// Why a patch does not fit an entity, at which step and where in the entity.
///
/// Compare `kind` to decide what to do; `message` is for people and may change. It contains keys
/// of the path, but no values.
public struct DeltaError: Error, Sendable, Hashable {
    /// The rule that was broken.
    public let kind: Kind
    /// The step at fault, counted from 0; `nil` if it is none of them.
    public let stepIndex: Int?
    /// The step's path up to the key at fault and with it; empty for the entity as a whole.
    public let path: [DeltaKey]
    /// One or two sentences that say what was found and what was expected.
    public let message: String

    /// Creates an error.
    public init(_ kind: Kind, step: Int? = nil, path: [DeltaKey] = [], message: String) {
        self.kind = kind
        self.stepIndex = step
        self.path = path
        self.message = message
    }

    /// A rule's name, the same one as in the test vectors. Other kinds may be added.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        /// The name in the test vectors.
        public let rawValue: String
        /// Makes a kind from its name.
        public init(rawValue: String) { self.rawValue = rawValue }
    }
}

extension DeltaError.Kind {
    /// The entity's version is not the one that the patch was made for. Ask for the entity anew.
    public static let wrongBaseVersion = Self(rawValue: "wrongBaseVersion")
    /// The entity's bytes are not one valid CBOR item that nests at most 64 deep.
    public static let invalidEntity = Self(rawValue: "invalidEntity")
    /// A step, made in code, breaks a rule that decoding checks.
    public static let invalidStep = Self(rawValue: "invalidStep")
    /// A map lacks a key of the path.
    public static let missingPath = Self(rawValue: "missingPath")
    /// An array has no element with the index of the path.
    public static let indexOutOfRange = Self(rawValue: "indexOutOfRange")
    /// The path leads into something that it cannot lead into, or the item at its end is not of
    /// the type that the step works on.
    public static let wrongType = Self(rawValue: "wrongType")
    /// The array has no element equal to the one that is to be removed.
    public static let missingElement = Self(rawValue: "missingElement")
    /// The integer, or the sum, is not in −2^63…2^63 − 1.
    public static let overflow = Self(rawValue: "overflow")
}

extension DeltaError: CustomStringConvertible {
    /// For example `missingPath, step 2 at ["a", 0]: …`.
    public var description: String {
        let place = stepIndex.map { ", step \($0) at \(path)" } ?? ""
        return "\(kind.rawValue)\(place): \(message)"
    }
}

extension DeltaError {
    static func invalidEntity(_ name: String, _ error: CBORError) -> DeltaError {
        DeltaError(.invalidEntity, message: "\(name) is not one valid CBOR item: \(error)")
    }
}
