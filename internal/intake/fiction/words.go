package fiction

var femaleNames = []string{"Ada", "Alice", "Amara", "Anna", "Beatriz", "Bonnie", "Carla", "Celia", "Clara", "Dana", "Daria",
	"Edith", "Elena", "Ella", "Esther", "Fatima", "Flora", "Gloria", "Greta", "Hana", "Helen", "Ida", "Imani", "Inez", "Irene",
	"Ivy", "Jana", "Joan", "Judith", "Karin", "Keiko", "Lara", "Leila", "Lena", "Lucia", "Mabel", "Maria", "Marta", "Maya",
	"Mei", "Nadia", "Nina", "Nora", "Olga", "Olive", "Paula", "Petra", "Priya", "Ramona", "Rosa", "Ruth", "Selma", "Sofia",
	"Stella", "Tamar", "Tessa", "Thea", "Uma", "Vera", "Wanda", "Yara", "Yoko", "Zelda", "Zoe"}

var maleNames = []string{"Abel", "Adam", "Ahmed", "Alan", "Anton", "Axel", "Bela", "Ben", "Boris", "Carl", "Cesar", "Dmitri",
	"Edgar", "Elias", "Emil", "Enzo", "Ervin", "Felix", "Frank", "Fritz", "Gabriel", "George", "Hakim", "Hassan", "Henry",
	"Hugo", "Igor", "Isaac", "Ivan", "Jakob", "Jamal", "Joel", "Jonas", "Juan", "Kenji", "Kofi", "Leo", "Louis", "Luka",
	"Marco", "Martin", "Max", "Milan", "Nathan", "Niels", "Noah", "Omar", "Oscar", "Otto", "Pablo", "Paul", "Pedro", "Quentin",
	"Rafael", "Ravi", "Samuel", "Simon", "Stefan", "Tariq", "Theo", "Victor", "Walter", "Wei", "Yusuf"}

var familyNames = []string{"Abbott", "Acosta", "Adler", "Aguilar", "Archer", "Baker", "Banerjee", "Barros", "Becker", "Bell",
	"Bianchi", "Blake", "Brandt", "Brooks", "Burke", "Campos", "Carver", "Castillo", "Chandra", "Chen", "Cho", "Clarke",
	"Cohen", "Conrad", "Cruz", "Dalton", "Davies", "Diaz", "Dietrich", "Dubois", "Eckert", "Ellis", "Espinoza", "Farmer",
	"Ferrari", "Fischer", "Fletcher", "Fontaine", "Foster", "Garcia", "Gibson", "Graves", "Greene", "Gruber", "Haddad",
	"Hale", "Hansen", "Hart", "Hayashi", "Heller", "Holt", "Huang", "Ibarra", "Ito", "Ivanov", "Jansen", "Jensen", "Kahn",
	"Kaplan", "Keller", "Kim", "Klein", "Kovacs", "Kowalski", "Lambert", "Larsen", "Lee", "Lindgren", "Lopez", "Marsh",
	"Mason", "Mendez", "Meyer", "Miller", "Molina", "Moreau", "Mori", "Nakamura", "Navarro", "Nguyen", "Novak", "Nunez",
	"Okafor", "Olsen", "Ortega", "Osman", "Park", "Patel", "Petrov", "Porter", "Quinn", "Ramos", "Reyes", "Ricci", "Rivera",
	"Romano", "Rossi", "Roth", "Ruiz", "Sato", "Schmidt", "Sharma", "Shaw", "Silva", "Singh", "Sorensen", "Stein", "Suzuki",
	"Tanaka", "Taylor", "Thorne", "Toth", "Turner", "Vargas", "Vega", "Vogel", "Walsh", "Weber", "Wells", "White", "Wolf",
	"Wong", "Yamada", "Young", "Zeller", "Zhang", "Zimmer"}

var streetNames = []string{"Alder", "Amber", "Ash", "Aspen", "Bay", "Beacon", "Birch", "Bishop", "Briar", "Bridge", "Brook", "Canal",
	"Cedar", "Chapel", "Cherry", "Chestnut", "Church", "Clover", "Copper", "Cotton", "Cypress", "Dogwood", "Dover", "Elm", "Falcon",
	"Fern", "Forge", "Garden", "Grove", "Harbor", "Hazel", "Heron", "Hickory", "Highland", "Holly", "Ivy", "Juniper", "Lake",
	"Lantern", "Laurel", "Liberty", "Linden", "Locust", "Magnolia", "Main", "Maple", "Market", "Meadow", "Mill", "Mulberry",
	"Oak", "Orchard", "Orchid", "Park", "Pearl", "Pine", "Poplar", "Prairie", "Prospect", "Quarry", "Ridge", "River", "Rose",
	"Sage", "School", "Spring", "Spruce", "Station", "Summit", "Sycamore", "Union", "Valley", "Walnut", "Willow", "Winter"}

var streetKinds = []string{"Avenue", "Court", "Drive", "Lane", "Place", "Road", "Street", "Street", "Way"}

var towns = []string{"Ashford", "Bellhaven", "Briarton", "Brookvale", "Cedar Falls", "Clearwater", "Cobalt Springs", "Dunmore",
	"Eastfield", "Fairmont", "Fernley", "Glenrock", "Granite Hill", "Harborview", "Hollowell", "Ironwood", "Kingsbury", "Lakemont",
	"Lindale", "Maplewood", "Marlow", "Millbrook", "Northfield", "Oakhurst", "Pinecrest", "Quincy Mills", "Redbank", "Riverton",
	"Rosedale", "Silver Creek", "Springfield", "Stonebridge", "Thornbury", "Underhill", "Vernon", "Westfield", "Windham", "Woodlake"}
