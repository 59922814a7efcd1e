// SPDX-License-Identifier: MIT

// What comes between a device and the server.
extension World {
    /// The numbers of a device's next exchange: by the step and by how many it has begun in it, so
    /// that they are the same whatever happened in earlier steps, and to other devices.
    func nextWeather(of device: DeviceHost) -> NetworkWeather {
        device.exchangesInStep += 1
        return weather(device.index, step << 20 | device.exchangesInStep)
    }

    /// The numbers of what a stranger asks in this step.
    func strangeWeather() -> NetworkWeather { weather(1 << 20, step) }

    private func weather(_ index: Int, _ number: Int) -> NetworkWeather {
        NetworkWeather(
            conditions: isHealed ? [] : conditions,
            generator: scenario.stream(.network, index, number))
    }

    /// Whether what arrives now gets lost. Nobody is told: who waits finds out by its timeout.
    func isLost(_ direction: NetworkPath.Direction, _ link: VirtualLink) -> Bool {
        guard !isHealed, let device = link.device,
            let cut = device.path.cut(direction, at: clock.now)
        else { return false }
        if cut.isNew { counts.note(cut.condition) }
        note(
            "lost", UInt64(device.index),
            text: direction == .toServer
                ? "what device \(device.index) sent gets lost"
                : "what device \(device.index) was sent gets lost")
        return true
    }

    /// How many bytes of a link pass in a second now; `nil` if that does not matter.
    func speed(of link: VirtualLink) -> UInt64? {
        guard !isHealed, let device = link.device, let speed = device.path.speed(at: clock.now)
        else { return nil }
        if speed.isNew { counts.note(.slowLinks) }
        return speed.bytesPerSecond
    }

    /// How long bytes take besides the latency, in nanoseconds.
    func transmission(of count: Int, at bytesPerSecond: UInt64?) -> UInt64 {
        bytesPerSecond.map { UInt64(count) * 1_000_000_000 / $0 } ?? 0
    }
}
