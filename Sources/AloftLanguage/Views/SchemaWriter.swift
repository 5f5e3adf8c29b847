struct SchemaWriter { func document() -> String { "" } }
struct ReferenceWriter { func page() -> String { "" } }
