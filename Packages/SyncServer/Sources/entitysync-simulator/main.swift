import Foundation
import Simulation
let a = CommandLine.arguments
if a.count == 2 {
    let o = Simulator.run(Scenario(seed: UInt64(a[1])!), listener: { print($0) })
    print(o.failure?.description ?? "ok", Scenario(seed: UInt64(a[1])!).conditions.map(\.rawValue).sorted())
    if o.failure != nil {
        let small = Simulator.shrink(o)
        print(small.scenario.arguments, small.scenario.conditions.map(\.rawValue).sorted())
        if let f = small.failure { _ = Simulator.run(small.scenario, listener: { print("  ", $0) }); print(f) }
    }
    exit(0)
}
let lo = UInt64(a[1])!, hi = UInt64(a[2])!
var total = SimulationCounts()
var failed = 0
for seed in lo...hi {
    let o = Simulator.run(Scenario(seed: seed))
    total += o.counts
    if let f = o.failure { failed += 1; print(seed, o.failedStep, f.description.prefix(300)) }
}
print(total, failed)
