// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// Wraps a value without a container, by the value's own conformance.
private struct Direct<T: Codable & Equatable & Sendable>: Codable, Equatable {
    var value: T

    init(_ value: T) { self.value = value }
    init(from decoder: any Decoder) throws { value = try T(from: decoder) }
    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

/// A tree whose nodes use every kind of container, open at the same time.
private struct Tree: Codable, Equatable {
    var number: Int
    var bytes: [UInt8]
    var children: [Tree]

    enum Keys: Int, CodingKey { case later = 300, children = 2, first = -1, empty = 1000 }

    init(number: Int, bytes: [UInt8], children: [Tree]) {
        (self.number, self.bytes, self.children) = (number, bytes, children)
    }

    /// - Parameter size: Of how many nodes to make one at most.
    init(size: inout Int, using generator: inout SeededGenerator) {
        number = .random(in: -1_000...1_000, using: &generator)
        bytes = (0..<Int.random(in: 0...40, using: &generator)).map { UInt8($0) }
        children = []
        size -= 1
        while size > 0, Bool.random(using: &generator) {
            children.append(Tree(size: &size, using: &generator))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var list = container.nestedUnkeyedContainer(forKey: .children)
        var later = container.nestedContainer(keyedBy: Keys.self, forKey: .later)
        try container.encode(number, forKey: .first)
        for child in children {
            if child.number.isMultiple(of: 2) {
                try list.encode(child)
            } else {
                try child.encode(to: list.superEncoder())
            }
        }
        try later.encode([bytes], forKey: .later)
        _ = container.superEncoder(forKey: .empty)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        #expect(Set(container.allKeys) == [.later, .children, .first, .empty])
        var list = try container.nestedUnkeyedContainer(forKey: .children)
        children = []
        while !list.isAtEnd { children.append(try list.decode(Tree.self)) }
        #expect(list.currentIndex == children.count)
        let later = try container.nestedContainer(keyedBy: Keys.self, forKey: .later)
        bytes = try later.decode([[UInt8]].self, forKey: .later)[0]
        number = try container.decode(Int.self, forKey: .first)
    }
}

/// Keeps the encoder or decoder that it is given, and looks at it afterwards.
private final class Keeper: Codable {
    nonisolated(unsafe) static var decoders: [any Decoder] = []
    nonisolated(unsafe) static var encoders: [any Encoder] = []
    var name: String

    init(_ name: String) { self.name = name }

    init(from decoder: any Decoder) throws {
        Self.decoders.append(decoder)
        name = try decoder.singleValueContainer().decode(String.self)
    }

    func encode(to encoder: any Encoder) throws {
        Self.encoders.append(encoder)
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

@Suite struct ContainerTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func openContainersOfAllKindsComeBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var size = 60
        let tree = Tree(size: &size, using: &generator)

        let bytes = try CBOREncoder().encode(tree)

        #expect(try CBORValue(decoding: bytes, limits: .deterministic).encoded() == bytes)
        #expect(try CBORDecoder().decode(Tree.self, from: bytes) == tree)
    }

    @Test func bytesAreOneStringWhereverTheyAre() throws {
        func check<T: Codable & Equatable>(_ value: T, _ bytes: String) throws {
            #expect(try CBOREncoder().encode(value) == hex(bytes))
            #expect(try CBORDecoder().decode(T.self, from: hex(bytes)) == value)
        }
        let bytes: [UInt8] = [1, 255]
        try check(bytes, "42 01ff")
        try check(ContiguousArray(bytes), "42 01ff")
        try check(bytes as [UInt8]?, "42 01ff")
        try check([bytes, nil] as [[UInt8]?], "82 42 01ff f6")
        try check(["a": bytes], "a1 6161 42 01ff")
        try check(["a": bytes] as [String: [UInt8]?], "a1 6161 42 01ff")
        try check([5: [bytes]], "a1 05 81 42 01ff")
        try check([[[bytes]]], "81 81 81 42 01ff")
        try check(Set([bytes]), "81 42 01ff")
    }

    /// A type that decodes an array of bytes by itself is handed a byte string's bytes.
    @Test func aByteStringIsACollectionOfNumbersToo() throws {
        let direct = try CBORDecoder().decode(Direct<[UInt8]>.self, from: hex("42 01ff"))
        let set = try CBORDecoder().decode(Set<Int>.self, from: hex("5f 42 01ff 40 41 03 ff"))

        #expect(direct == Direct([1, 255]))
        #expect(set == [1, 255, 3])
        #expect(try CBORDecoder().decode([UInt8].self, from: hex("82 01 18ff")) == [1, 255])
        let again = try CBOREncoder().encode(direct)
        #expect(try CBORDecoder().decode(Direct<[UInt8]>.self, from: again) == direct)
    }

    @Test func wrappersWithoutContainersAreTransparent() throws {
        #expect(try CBOREncoder().encode(Direct(Direct(["a": 1]))) == hex("a1 6161 01"))
        #expect(
            try CBORDecoder().decode(Direct<Direct<[Int: Int]>>.self, from: hex("a0"))
                == Direct(Direct([:])))
    }

    #if !((os(macOS) || targetEnvironment(macCatalyst)) && arch(x86_64))
        @Test func halfFloatsKeepTheirBits() throws {
            for bits in [0, 1, 0x3C00, 0x7BFF, 0x7C00, 0x8000, 0xFC00] as [UInt16] {
                let value = Float16(bitPattern: bits)
                let bytes = try CBOREncoder().encode([value])
                #expect(bytes == [0x81, 0xF9, UInt8(bits >> 8), UInt8(bits & 0xFF)])
                #expect(try CBORDecoder().decode([Float16].self, from: bytes) == [value])
            }
        }
    #endif

    @Test func whatIsMissingForASuperclassIsNull() throws {
        struct Child: Decodable {
            var hasSuper: Bool
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CBORTestKey.self)
                hasSuper = !(try container.superDecoder().singleValueContainer().decodeNil())
                #expect(
                    try container.superDecoder(forKey: CBORTestKey("x")).codingPath.last?
                        .stringValue == "x")
            }
        }
        #expect(try !CBORDecoder().decode(Child.self, from: hex("a0")).hasSuper)
        #expect(try CBORDecoder().decode(Child.self, from: hex("a1 65 7375706572 00")).hasSuper)
    }

    @Test func encodersAndDecodersMayBeKept() throws {
        let bytes = try CBOREncoder().encode(["k": [Keeper("a"), Keeper("b")]])
        let keepers = try CBORDecoder().decode([String: [Keeper]].self, from: bytes)

        #expect(keepers["k"]?.map(\.name) == ["a", "b"])
        #expect(Keeper.encoders.map { $0.codingPath.map(\.intValue) } == [[nil, 0], [nil, 1]])
        let names = try Keeper.decoders.map { try $0.singleValueContainer().decode(String.self) }
        #expect(names == ["a", "b"])
        #expect(Keeper.decoders.map { $0.codingPath.map(\.intValue) } == [[nil, 0], [nil, 1]])
        Keeper.decoders = []
        Keeper.encoders = []
    }

    @Test func mapsOfEverySizeAndOrderAreSearched() throws {
        for count in [0, 1, 15, 16, 17, 40, 1_000] {
            let map = Dictionary(uniqueKeysWithValues: (0..<count).map { ("key\($0)", $0) })
            let bytes = try CBOREncoder().encode(map)
            struct Backwards: Decodable {
                init(from decoder: any Decoder) throws {
                    let container = try decoder.container(keyedBy: CBORTestKey.self)
                    for number in (0..<container.allKeys.count).reversed() {
                        let key = CBORTestKey("key\(number)")
                        #expect(try container.decode(Int.self, forKey: key) == number)
                        #expect(!container.contains(CBORTestKey("no\(number)")))
                    }
                }
            }
            _ = try CBORDecoder().decode(Backwards.self, from: bytes)
            #expect(try CBORDecoder().decode([String: Int].self, from: bytes) == map)
        }
        let chunked = hex("bf 7f 6161 6162 ff 01 62 6162 ff")
        #expect(throws: DecodingError.self) {
            try CBORDecoder().decode([String: Int].self, from: chunked)
        }
        #expect(
            try CBORDecoder().decode([String: Int].self, from: hex("a1 7f 6161 6162 ff 01"))
                == ["ab": 1])
    }

    /// A value that is being decoded may look into what is around it, by way of `userInfo`.
    @Test func aContainerAroundOneStaysOpen() throws {
        // Used by one call of `decode`, on one thread.
        final class Context: @unchecked Sendable {
            var defs: KeyedDecodingContainer<Root.Key>?
        }
        struct Nested: Decodable { var x: Int }
        struct Definition: Decodable { var nested: Nested }
        struct Item: Decodable {
            enum Key: CodingKey { case ref, x }
            var x: Int
            var defined: Int?

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                let key = CodingUserInfoKey(rawValue: "context")
                let context = key.flatMap { decoder.userInfo[$0] } as? Context
                defined = try context?.defs?.decode(Definition.self, forKey: .defs).nested.x
                x = try container.decode(Int.self, forKey: .x)
            }
        }
        struct Root: Decodable {
            enum Key: CodingKey { case item, defs }
            var item: Item

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                let key = CodingUserInfoKey(rawValue: "context")
                (key.flatMap { decoder.userInfo[$0] } as? Context)?.defs = container
                item = try container.decode(Item.self, forKey: .item)
            }
        }
        let bytes = try CBORDiagnostic.bytes(
            of: "{\"item\": {\"ref\": 1, \"x\": 5}, \"defs\": {\"nested\": {\"x\": 9}}}")
        var decoder = CBORDecoder()
        decoder.userInfo[try #require(CodingUserInfoKey(rawValue: "context"))] = Context()

        let root = try decoder.decode(Root.self, from: bytes)

        #expect(root.item.x == 5)
        #expect(root.item.defined == 9)
    }

    @Test func anEncoderIsWrittenToInTurnOnly() async {
        await #expect(processExitsWith: .failure) {
            struct Inner: Encodable {
                let write: () throws -> Void
                func encode(to encoder: any Encoder) throws { try write() }
            }
            struct Outer: Encodable {
                func encode(to encoder: any Encoder) throws {
                    var container = encoder.unkeyedContainer()
                    var copy = container
                    try container.encode(Inner { try copy.encode(1) })
                }
            }
            _ = try CBOREncoder().encode(Outer())
        }
    }
}
