// SPDX-License-Identifier: MIT

import CBOR
import CBORFoundation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What must hold of `Codable`, whatever the bytes are.
enum CodableRules {
    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        try check(Sample.self, bytes)
        try check(Anything.self, bytes)
        try check([String: Anything].self, bytes)
        try check([Int: [UInt64?]].self, bytes)
        try check([[UInt8]].self, bytes)
        try check(Double.self, bytes)
        try check(Moment.self, bytes, .foundation)
        try check([String: Moment].self, bytes, .foundation)
        try check([Data].self, bytes, .foundation)
        var (encoder, decoder) = (CBOREncoder(), CBORDecoder())
        decoder.limits.validatesTags = true
        encoder.keyOrder = .lengthFirst
        try check(Named.self, bytes, encoder, decoder)
        encoder.keyEncodingStrategy = .convertToSnakeCase
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        try check(Named.self, bytes, encoder, decoder)
    }

    private static func check<T: Codable & Equatable>(
        _ type: T.Type, _ bytes: [UInt8], _ forms: CBORForms = CBORForms()
    ) throws(FuzzFailure) {
        try check(type, bytes, CBOREncoder(forms: forms), CBORDecoder(forms: forms))
    }

    private static func check<T: Codable & Equatable>(
        _ type: T.Type, _ bytes: [UInt8], _ encoder: CBOREncoder, _ decoder: CBORDecoder
    ) throws(FuzzFailure) {
        let value: T
        do {
            value = try decoder.decode(type, from: bytes)
        } catch is DecodingError {
            return
        } catch {
            throw FuzzFailure("A decoder fails with a DecodingError.", found: "\(error)")
        }
        guard let encoded = try? encoder.encode(value) else {
            throw FuzzFailure("What was decoded can be encoded.", found: "\(value)")
        }
        let fault = ReaderRules.strictFault(encoded, keyOrder: encoder.keyOrder)
        try demand(
            fault == nil, "An encoder writes deterministically.", found: "\(fault as Any)")
        let again = try? decoder.decode(type, from: encoded)
        // NaN is no reason to differ, so the bytes are compared and not the values.
        let second = again.flatMap { try? encoder.encode($0) }
        try demandSame(second, encoded, "A value is the same after encoding and decoding.")
    }
}

/// A struct with everything that compilers synthesize.
private struct Sample: Codable, Equatable {
    enum Choice: String, Codable { case one, two }
    enum Payload: Codable, Equatable { case none, pair(Int, String), named(value: Double) }

    var a: Int?
    var b: UInt64?
    var c: Int8?
    var d: String?
    var e: [UInt8]?
    var f: Double?
    var g: Float?
    var h: Bool?
    var i: [Int?]?
    var j: [String: Int]?
    var k: [Int: String]?
    var l: Choice?
    var m: Payload?
    var n: [Sample]?
}

/// Names that strategies convert, and containers for a superclass and inside others.
private struct Named: Codable, Equatable {
    var oneTwo: Int?
    var three_four: [String: Int]?
    var aURL: UInt8?
    var base: [Int] = []
    var other: Int?

    enum Key: String, CodingKey { case oneTwo, three_four, aURL, other, inner, list }

    init(from decoder: any Decoder) throws {
        let map = try decoder.container(keyedBy: Key.self)
        oneTwo = try map.decodeIfPresent(Int.self, forKey: .oneTwo)
        three_four = try map.decodeIfPresent([String: Int].self, forKey: .three_four)
        let inner = try? map.nestedContainer(keyedBy: Key.self, forKey: .inner)
        aURL = try inner?.decodeIfPresent(UInt8.self, forKey: .aURL)
        if var list = try? map.nestedUnkeyedContainer(forKey: .list) {
            while !list.isAtEnd { base.append(try list.decode(Int.self)) }
        }
        let other = try map.superDecoder(forKey: .other).singleValueContainer()
        if !other.decodeNil() { self.other = try other.decode(Int.self) }
        _ = try? [String](from: map.superDecoder())
    }

    func encode(to encoder: any Encoder) throws {
        var map = encoder.container(keyedBy: Key.self)
        let rest = map.superEncoder()
        var list = map.nestedUnkeyedContainer(forKey: .list)
        var inner = map.nestedContainer(keyedBy: Key.self, forKey: .inner)
        try map.encodeIfPresent(oneTwo, forKey: .oneTwo)
        try inner.encodeIfPresent(aURL, forKey: .aURL)
        for number in base { try list.encode(number) }
        try map.encodeIfPresent(three_four, forKey: .three_four)
        var single = map.superEncoder(forKey: .other).singleValueContainer()
        if let other { try single.encode(other) } else { try single.encodeNil() }
        try ["a"].encode(to: rest)
    }
}

/// A struct with Foundation's types.
private struct Moment: Codable, Equatable {
    var a: Date?
    var b: Data?
    var c: UUID?
    var d: URL?
    var e: Decimal?
    var f: [Date]?
}

/// Takes whatever comes, by trying one type after the other.
private indirect enum Anything: Codable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case large(UInt64)
    case float(Double)
    case text(String)
    case bytes([UInt8])
    case list([Anything])
    case map([String: Anything])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .large(value)
        } else if let value = try? container.decode(Double.self) {
            self = .float(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([Anything].self) {
            self = .list(value)
        } else if let value = try? container.decode([UInt8].self) {
            self = .bytes(value)
        } else {
            self = .map(try container.decode([String: Anything].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .large(let value): try container.encode(value)
        case .float(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .bytes(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        }
    }
}
