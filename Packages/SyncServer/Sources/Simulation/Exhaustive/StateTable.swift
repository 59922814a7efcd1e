// SPDX-License-Identifier: MIT

/// A state of a small world, in numbers that name its parts.
struct SmallWorldState: Hashable {
    /// No answer, page or push.
    static let none: Int32 = -1

    private var words = SIMD16<Int32>(repeating: none)

    /// The state of a device.
    subscript(device device: Int) -> Int32 {
        get { words[device] }
        set { words[device] = newValue }
    }
    /// The answer on its way to a device, if any. A device that awaits an answer while there is
    /// none has its request on its way.
    subscript(answer device: Int) -> Int32 {
        get { words[3 + device] }
        set { words[3 + device] = newValue }
    }
    /// The page of a waiting pull on its way to a device, if any.
    subscript(page device: Int) -> Int32 {
        get { words[6 + device] }
        set { words[6 + device] = newValue }
    }
    /// The server's log.
    var log: Int32 {
        get { words[9] }
        set { words[9] = newValue }
    }
    /// The pushes of which nobody awaits the answer: two at most, in descending order.
    subscript(stray index: Int) -> Int32 { words[10 + index] }

    /// How many stray pushes there are.
    var strayCount: Int { (words[10] == Self.none ? 0 : 1) + (words[11] == Self.none ? 0 : 1) }

    /// Adds a stray push; one that is there already is not kept twice.
    mutating func add(stray: Int32) {
        if words[10] == stray || words[11] == stray { return }
        setStrays(stray, words[10] == Self.none ? words[11] : words[10])
    }

    mutating func remove(strayAt index: Int) { setStrays(words[10 + 1 - index], Self.none) }

    private mutating func setStrays(_ one: Int32, _ other: Int32) {
        (words[10], words[11]) = (max(one, other), min(one, other))
    }

    /// A hash that is the same in every process.
    fileprivate var mixed: UInt64 {
        let wide = unsafeBitCast(words, to: SIMD8<UInt64>.self)
        var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
        for index in 0..<6 {
            hash = (hash ^ wide[index]) &* 0xff51_afd7_ed55_8ccd
            hash ^= hash >> 32
        }
        return hash
    }
}

/// The states that were found, each once, numbered in the order of finding.
struct StateTable {
    private(set) var states: [SmallWorldState] = []
    /// A state's number plus 1, or 0.
    private var slots = [UInt32](repeating: 0, count: 1 << 16)

    /// The number of a state, which is added if it is new.
    mutating func insert(_ state: SmallWorldState) -> (number: Int, isNew: Bool) {
        if states.count * 2 >= slots.count { grow() }
        var position = Int(truncatingIfNeeded: state.mixed) & (slots.count - 1)
        while slots[position] != 0 {
            let number = Int(slots[position] - 1)
            if states[number] == state { return (number, false) }
            position = (position + 1) & (slots.count - 1)
        }
        states.append(state)
        slots[position] = UInt32(states.count)
        return (states.count - 1, true)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (number, state) in states.enumerated() {
            var position = Int(truncatingIfNeeded: state.mixed) & (slots.count - 1)
            while slots[position] != 0 { position = (position + 1) & (slots.count - 1) }
            slots[position] = UInt32(number + 1)
        }
    }
}

/// Values that are kept once each, and go by their number.
struct Numbering<Value: Hashable> {
    private(set) var values: [Value] = []
    private var numbers: [Value: Int32] = [:]

    /// The number of a value, which is added if it is new.
    mutating func number(of value: Value) -> Int32 {
        if let number = numbers[value] { return number }
        let number = Int32(values.count)
        values.append(value)
        numbers[value] = number
        return number
    }

    subscript(number: Int32) -> Value { values[Int(number)] }
}
