import Foundation
import SkerryCodec

let sample = Meta.sample
let bin = try Bin.encode(sample)
print("bin:bytes", bin.count)

try measure("bin:encode") { keep(try Bin.encode(sample)) }
var reused: [UInt8] = []
try measure("bin:encode-reused") {
    reused.removeAll(keepingCapacity: true)
    try Bin.encode(sample, into: &reused)
    keep(reused.count)
}
try measure("bin:decode") { keep(try Bin.decode(Meta.self, from: bin)) }
