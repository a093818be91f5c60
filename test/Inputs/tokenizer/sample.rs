pub fn main() -> Result<(), Box<dyn Error>> {
    let naïve = "it's they'LL we're don't";	// Größe 12345, π ≈ 3.14159
    println!("{:?}  {}", naïve, x_1 + y2);


   
    日本語とEmoji 👩‍👩‍👧   mixed spaceś <|endoftext|> end   