greeting = Dear { $name },
greeting-unnamed = Dear citizen,

subject-registered = We have received your request: { $number }
subject-referred = Your request was passed on: { $number }
subject-planned = Work on your request is planned: { $number }
subject-concluded = Your request was concluded: { $number }
subject-reopened = Your request was reopened: { $number }
subject-information-asked = We have a question about your request: { $number }

body-registered = Your request { $number } has been registered. It will be passed to the unit in charge, and we will tell you at this address how it goes on.
body-referred = Your request { $number } is not within the municipality's authority. As Article 5 of Law No. 3071 on the Right of Petition requires, it has been passed on to the institution in charge.
body-planned = The work that your request { $number } is about has been planned.
body-concluded = Your request { $number } has been concluded.
body-reopened = Your request { $number } has been reopened and is being worked on again. We will tell you at this address how it goes on.
body-information-asked = We need some information from you before work on your request { $number } can go on. It will go on as soon as we have your answer.

state = State: { $state }
institution = Institution: { $institution }
planned-for = Planned for: { $date }
sub-result = Result: { $sub-result }
answer = Answer:
question = Our question:

track = You can follow your request here:
answer-here = Please answer here:
tracking-secret = Your tracking code: { $secret }
    This code is for you alone; please do not pass it on.

closing = Yours sincerely,
signature = Solution Centre
automatic = This message was sent automatically; please do not reply to it.

date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year }
