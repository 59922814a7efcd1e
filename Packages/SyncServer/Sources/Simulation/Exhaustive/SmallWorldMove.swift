// SPDX-License-Identifier: MIT

/// Something that can happen in a small world.
struct SmallWorldMove: Equatable {
    enum Kind: UInt8 {
        /// The app commits the edit `argument`.
        case edit
        /// A cycle begins.
        case begin
        /// The request arrives, and the answer leaves.
        case serve
        /// The request arrives, and will arrive once more.
        case serveTwice
        /// The request is lost; the device tries again, or gives up.
        case loseRequest, loseRequestAndStop
        /// The request comes later, when nobody awaits its answer any more.
        case delayRequest, delayRequestAndStop
        /// The answer arrives.
        case deliver
        /// The answer arrives, and the app dies between the two writes that it leads to.
        case deliverAndDie
        /// The answer is lost; the device tries again, or gives up.
        case loseAnswer, loseAnswerAndStop
        /// The app ends and begins anew; what was on its way is lost, or the request comes later.
        case restart, restartAndDelayRequest
        /// A waiting pull is answered.
        case answerWaitingPull
        /// The page of the waiting pull arrives, or is lost.
        case deliverPage, losePage
        /// The stray push `argument` arrives, or is lost.
        case serveStray, loseStray
    }

    var kind: Kind
    /// The device that it happens to.
    var device = 0
    var argument = 0

    /// The move in 16 bits.
    var packed: UInt16 { UInt16(kind.rawValue) << 8 | UInt16(device) << 4 | UInt16(argument) }

    init(_ kind: Kind, _ device: Int = 0, _ argument: Int = 0) {
        self.kind = kind
        self.device = device
        self.argument = argument
    }

    init?(packed: UInt16) {
        guard let kind = Kind(rawValue: UInt8(packed >> 8)) else { return nil }
        self.init(kind, Int(packed >> 4 & 15), Int(packed & 15))
    }
}
