import Foundation

extension String {
    /// As one segment of a URL's path.
    var pathSegment: String {
        addingPercentEncoding(withAllowedCharacters: Self.unreserved) ?? ""
    }

    /// RFC 3986 §2.3, without `~`.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")

    /// A path with a query; parameters without a value are left out.
    func query(_ parameters: [(String, String?)]) -> String {
        let pairs = parameters.compactMap { name, value in value.map { "\(name)=\($0.pathSegment)" } }
        return pairs.isEmpty ? self : self + "?" + pairs.joined(separator: "&")
    }
}
