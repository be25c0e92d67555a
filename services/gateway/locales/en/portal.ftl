# The form
topic-ask = What is your request about?
topic-search = Type to search: pothole, rubbish, dog…
topic-none = No topic has these words; try another word, or empty the box and choose from the list
topic-go = Continue
topic-change = Change the topic
choose = Choose
optional = (optional)
photo = Photos
photo-hint = Optional; at most 3, each at most 10 MB (JPEG, PNG, WebP). Where and with what they were taken is removed.
photos = Photos
photos-again = Please choose the photos again: browsers do not remember files.
photo-alt = Photo { $place }
point = Latitude and longitude
map-show = Show on the map
map-here = Use where I am
map-chosen = The point chosen:
map-failed = The place could not be found; writing the address is enough.
map-label = Map of the city. Choose the point with a click or with the arrow keys.
map-closer = Closer
map-farther = Farther

error-answer-missing = Answer this question
error-answer-number = Write a number
error-photos-many = You can send at most 3 photos
error-photo = Photo { $place } could not be taken: the file is damaged, or is no JPEG, PNG or WebP picture
error-photo-large = Photo { $place } is larger than 10 MB

# The receipt
receipt-where = Where to track it
receipt-print = Print

# Tracking
seen-remarked = A remark by the unit
seen-asked = The unit asked you for information
seen-wrote = You wrote
question-title = The unit asks you
answer = Your answer
answer-hint = As soon as you answer, the work goes on.
answer-button = Send the answer
message = Anything to add?
message-hint = The unit in charge reads it. At most 4,000 characters.
message-button = Send
message-sent = Your message has arrived, and was passed on to the unit.
error-message-missing = Write your message
error-message-long = A message can have at most 4,000 characters
error-message-refused = The message was not accepted as it is; please mend it
error-message-before = This message was sent before. If you changed it, send it once more.
error-message-later = We cannot take your message at the moment; please try again a little later
error-message-erased = The personal data of this request was erased, so we cannot keep your message; please file a new request
privacy-title = Privacy notice
privacy-none = No such privacy notice was published for this channel.
privacy-version = { $channel } · version { $version } · published { $since }
privacy-old = This is an earlier version.
privacy-current = The one in force
privacy-versions = All versions
privacy-number = version
privacy-whole = The whole privacy notice, in a new tab
error-notice = This version of the privacy notice was never published. The one in force is shown below; please send the form again.
