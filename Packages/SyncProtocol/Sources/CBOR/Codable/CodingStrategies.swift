// SPDX-License-Identifier: MIT

extension CBOREncoder {
    /// What the text keys of a map are made of. Keys with an integer and those of dictionaries are
    /// never converted.
    public enum KeyEncodingStrategy: Sendable {
        /// The text of the coding key.
        case useDefaultKeys
        /// `oneTwoThree` becomes `one_two_three`, and `myURL` becomes `my_url`.
        case convertToSnakeCase
        /// Any key; the path ends with the key to convert.
        case custom(@Sendable (_ codingPath: [any CodingKey]) -> any CodingKey)
    }

    /// What becomes of an infinity or a NaN.
    public enum NonConformingFloatEncodingStrategy: Sendable {
        /// It stands as the float it is.
        case native
        /// It is an `EncodingError`, as for formats that have none.
        case `throw`
        /// It is a text.
        case convertToString(positiveInfinity: String, negativeInfinity: String, nan: String)
    }
}

extension CBORDecoder {
    /// What a map's text keys are taken for. Keys of dictionaries are never converted.
    public enum KeyDecodingStrategy: Sendable {
        /// The text of the coding key.
        case useDefaultKeys
        /// `one_two_three` is taken for `oneTwoThree`; underscores at both ends stay.
        case convertFromSnakeCase
        /// Any key; the path ends with the key to convert.
        case custom(@Sendable (_ codingPath: [any CodingKey]) -> any CodingKey)
    }

    /// Where infinities and NaN may come from.
    public enum NonConformingFloatDecodingStrategy: Sendable {
        /// From floats.
        case native
        /// From nowhere: they are a `DecodingError`.
        case `throw`
        /// From floats and from these texts.
        case convertFromString(positiveInfinity: String, negativeInfinity: String, nan: String)
    }
}

/// The key with a lowercase word after each underscore where a word began with a capital.
func snakeCase(_ key: String) -> String {
    let scalars = Array(key.unicodeScalars)
    guard let last = scalars.indices.last else { return key }
    var words: [Range<Int>] = []
    var start = 0
    var next = 1
    while next <= last, let upper = scalars[next...].firstIndex(where: \.isUpper) {
        words.append(start..<upper)
        start = upper
        guard let lower = scalars[upper...].firstIndex(where: \.isLower) else { break }
        // The last of several capitals begins the word that goes on in small letters.
        if lower > upper + 1 {
            words.append(upper..<lower - 1)
            start = lower - 1
        }
        next = lower + 1
    }
    words.append(start..<scalars.count)
    return words.map { word in
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[word])
        return text.lowercased()
    }.joined(separator: "_")
}

/// The key without the underscores between words, each word but the first with a capital.
func camelCase(_ key: String) -> String {
    guard let first = key.firstIndex(where: { $0 != "_" }),
        let last = key.lastIndex(where: { $0 != "_" })
    else { return key }
    let words = key[first...last].split(separator: "_")
    guard words.count > 1 else { return key }
    let joined = words.dropFirst().reduce(words[0].lowercased()) { text, word in
        text + word.prefix(1).uppercased() + word.dropFirst().lowercased()
    }
    return key[..<first] + joined + key[key.index(after: last)...]
}

extension Unicode.Scalar {
    fileprivate var isUpper: Bool {
        [.uppercaseLetter, .titlecaseLetter].contains(properties.generalCategory)
    }

    fileprivate var isLower: Bool { properties.generalCategory == .lowercaseLetter }
}
